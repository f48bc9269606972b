"""Hints that a session has moved on, for every dashboard process: without content, free to be lost, never in a save's way."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Any

from channels.layers import get_channel_layer

from chatlog.domain.counters import counters
from dashboard.per_loop import PerLoop

logger = logging.getLogger(__name__)

SESSIONS_GROUP = "sessions"  # some session changed: for lists
SEND_SECONDS = 0.25


def get_layer() -> Any:
    """The channel layer; the settings always name one."""
    return get_channel_layer()


def session_group(session_id: str) -> str:
    """The channel-layer group of one session. A hash, because a layer takes only short ASCII names."""
    return "session." + hashlib.sha256(session_id.encode()).hexdigest()[:40]


class ChannelSignals:
    """Tells over the channel layer (`chatlog.services.recording.Signals`).

    Attributes:
        failures: how many hints did not go out. The store's watchers and the feeds' polls make up for them.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._works = True

    def notify(self, session_id: str) -> None:
        """Return at once. While a hint about the session is under way, any number of others become one more."""
        if session_id in self._sending:
            self._again.add(session_id)
        else:
            self._sending[session_id] = asyncio.get_running_loop().create_task(self._send(session_id))

    async def _send(self, session_id: str) -> None:
        try:
            again = True
            while again:
                self._again.discard(session_id)
                await self._try_to_send(session_id)
                again = session_id in self._again
        finally:
            del self._sending[session_id]

    async def _try_to_send(self, session_id: str) -> None:
        layer = get_layer()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await layer.group_send(session_group(session_id), {"type": "session.changed", "session_id": session_id})
                await layer.group_send(SESSIONS_GROUP, {"type": "session.changed", "session_id": None})
        except Exception as error:  # whatever the layer's driver raises: a hint may be lost, a save may not
            self._note_failure(error)
        else:
            self._note_success()

    def _note_failure(self, error: Exception) -> None:
        self.failures += 1
        counters.note_signal_lost()
        if self._works:  # once for an outage, not once for a message
            logger.warning("Hints do not go out (%s: %s); pages follow by polling.", type(error).__name__, error)
        self._works = False

    def _note_success(self) -> None:
        if not self._works:
            logger.info("Hints go out again; %d were lost since the start.", self.failures)
        self._works = True


current: PerLoop[ChannelSignals] = PerLoop(ChannelSignals)
