"""Hints from other processes, and this one: one channel for the whole process, whatever is watched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from dashboard.signals import SESSIONS_GROUP, get_layer, session_group

logger = logging.getLogger(__name__)
# Subscribing again is free where nothing was lost, and mends what a layer forgot: a membership has a time limit, and a
# subscription made while Redis was away was never made.
SUBSCRIBE_AGAIN_SECONDS = 60.0
RETRY_SECONDS = 1.0
STOP_SECONDS = 0.5

OnHint = Callable[[str | None], None]


class HintReceiver:
    """Calls `on_hint(session_id)`, or `on_hint(None)` for "some session". Failures are logged; the polls go on without it."""

    def __init__(self, on_hint: OnHint) -> None:
        self._on_hint = on_hint
        self._wanted: dict[str, str | None] = {SESSIONS_GROUP: None}
        self._subscribed: set[str] = set()
        self._channel = ""
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def listen(self, session_id: str) -> None:
        self._wanted[session_group(session_id)] = session_id
        self._changed.set()

    def forget(self, session_id: str) -> None:
        self._wanted.pop(session_group(session_id), None)
        self._changed.set()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._wanted.clear()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._subscribe(get_layer(), self._channel)
        except Exception as error:  # whatever the layer's driver raises: its other end forgets us when the connection goes
            logger.info("The channel layer was not told that nobody listens any more (%s).", type(error).__name__)

    async def _run(self) -> None:
        layer = get_layer()
        channel = self._channel = await _until_it_works(layer.new_channel)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_subscribed(layer, channel))
            tasks.create_task(self._keep_receiving(layer, channel))

    async def _keep_receiving(self, layer: Any, channel: str) -> None:
        while True:
            message = await _until_it_works(lambda: layer.receive(channel))
            if message["type"] == "session.changed":
                self._on_hint(message["session_id"])

    async def _keep_subscribed(self, layer: Any, channel: str) -> None:
        while True:
            self._changed.clear()
            await _until_it_works(lambda: self._subscribe(layer, channel))
            try:
                async with asyncio.timeout(SUBSCRIBE_AGAIN_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                self._subscribed.clear()

    async def _subscribe(self, layer: Any, channel: str) -> None:
        for group in self._subscribed - self._wanted.keys():
            await layer.group_discard(group, channel)
            self._subscribed.discard(group)
        for group, session_id in tuple(self._wanted.items()):
            if group not in self._subscribed:
                await layer.group_add(group, channel)
                self._subscribed.add(group)
                self._on_hint(session_id)  # look once more: what was stored before this moment was told to nobody


async def _until_it_works(attempt: Callable[[], Awaitable[Any]]) -> Any:
    while True:
        try:
            return await attempt()
        except Exception as error:  # whatever the layer's driver raises; without hints, feeds poll
            logger.warning("Hints do not come in (%s: %s); pages follow by polling.", type(error).__name__, error)
            await asyncio.sleep(RETRY_SECONDS)
