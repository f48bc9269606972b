"""A page that is read again as a whole when something changed, and every few seconds without a change: times go on.

Everybody in this process who sees the same page shares one feed, and its reads.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from django.utils.translation import gettext as _

from chatlog.domain.counters import counters
from chatlog.errors import StorageError
from dashboard import fragments
from dashboard.feeds.fan_out import fan_out
from dashboard.feeds.pages import READ_SECONDS
from dashboard.feeds.viewer import Frame, Viewer, make_frame
from dashboard.sockets import codes

logger = logging.getLogger(__name__)
# A busy store changes all the time; people read at most this fast.
READ_AGAIN_SECONDS = 0.5

Content = TypeVar("Content")


class PolledFeed(ABC, Generic[Content]):
    """Reads, sends its viewers what looks different, and newcomers the whole. Made inside its viewers' locale."""

    poll_seconds = 5.0

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._to_greet: set[Viewer] = set()
        self._trouble = ""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @abstractmethod
    async def read(self) -> Content:
        """What there is now."""

    @abstractmethod
    def compare(self, content: Content) -> Frame | None:
        """What looks different than the last time; `None` if nothing does."""

    @abstractmethod
    def whole(self, content: Content) -> Frame:
        """Everything."""

    @property
    def is_watched(self) -> bool:
        return bool(self._viewers or self._to_greet)

    @property
    def unacknowledged(self) -> int:
        """Bytes sent to its viewers that they have not acknowledged."""
        return sum(viewer.unacknowledged for viewer in (*self._viewers, *self._to_greet))

    def wake(self) -> None:
        self._wake.set()

    def join(self, viewer: Viewer) -> None:
        self._to_greet.add(viewer)
        self._wake.set()

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self._to_greet.discard(viewer)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()  # before reading: what changes from here on wakes us again
            try:
                await self._turn()
            except (StorageError, TimeoutError) as error:
                counters.note_store_error(error)
                await self._tell_trouble(str(error) or _("The store does not answer."))
            except Exception:  # one broken row must not end the feed without a word to its viewers
                logger.exception("%s failed; it tries again.", type(self).__name__)
                await self._tell_trouble(_("Something went wrong on the server while following the sessions."))
            await asyncio.sleep(READ_AGAIN_SECONDS)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self.poll_seconds - READ_AGAIN_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass  # the poll

    async def _turn(self) -> None:
        async with asyncio.timeout(READ_SECONDS):
            content = await self.read()
        if self._trouble:
            await self._tell_trouble("")
        news = self.compare(content)
        newcomers, self._to_greet = self._to_greet, set()
        if news is not None:
            await self._fan_out(news, self._viewers)
        self._viewers |= newcomers
        if newcomers:
            await self._fan_out(self.whole(content), newcomers)

    async def _tell_trouble(self, text: str) -> None:
        self._trouble = text
        await self._fan_out(make_frame(fragments.trouble_frame(text)), (*self._viewers, *self._to_greet))

    async def _fan_out(self, frame: Frame, viewers: set[Viewer] | tuple[Viewer, ...]) -> None:
        slow: list[Viewer] = []
        broken = await fan_out(frame, viewers, without_room=slow.append)
        # Pieces replace pieces: who missed one cannot catch up from a cursor, but gets everything on coming back.
        for viewer in (*slow, *broken):
            self.leave(viewer)
            await viewer.close(codes.TOO_SLOW, _("This page did not take what it was sent."))
