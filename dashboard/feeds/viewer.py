"""One open page as a feed sees it: where it stands, and how much it was sent that it has not acknowledged.

daphne queues without bound for a client that does not read, so the page acknowledges after every 64 kB it received. The bound
below is what one stuck page can cost in memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from dashboard.locale import ViewerLocale, default_locale

WINDOW_BYTES = 256 * 1024
# A page that has read everything may still owe one acknowledgement of 64 kB, of which up to one mark is not counted off.
# Below that sum it is not slow, and even a frame larger than the window may go out.
MARK_BYTES = 32 * 1024
OWED_BYTES = 64 * 1024 + MARK_BYTES

Send = Callable[[Any], Awaitable[None]]
Close = Callable[[int, str], Awaitable[None]]


class Frame(NamedTuple):
    """What is sent, made once and handed to every viewer. `last` is the sequence it leads up to, 0 if it carries none."""

    message: dict[str, Any]
    size: int
    last: int


def make_frame(text: str, *, last: int = 0) -> Frame:
    return Frame({"type": "websocket.send", "text": text}, len(text.encode()), last)


class Viewer:
    __slots__ = ("_marks", "_since_mark", "acknowledged", "close", "cursor", "locale", "send", "unacknowledged")

    def __init__(self, *, send: Send, close: Close, locale: ViewerLocale | None = None, cursor: int = 0) -> None:
        self.send = send
        self.close = close
        self.locale = locale or default_locale()
        self.cursor = cursor
        self.unacknowledged = 0
        self.acknowledged = asyncio.Event()
        self._marks: deque[tuple[int, int]] = deque()
        self._since_mark = 0

    def has_room(self, size: int) -> bool:
        return self.unacknowledged + size <= WINDOW_BYTES or self.unacknowledged < OWED_BYTES

    def note_sent(self, frame: Frame) -> None:
        if frame.last:
            self.cursor = frame.last
        self.unacknowledged += frame.size
        self._since_mark += frame.size
        if self._since_mark >= MARK_BYTES:
            self._marks.append((self.cursor, self._since_mark))
            self._since_mark = 0

    def acknowledge(self, sequence: int) -> None:
        """The page has received everything up to `sequence`."""
        if sequence >= self.cursor:
            self.unacknowledged = self._since_mark = 0
            self._marks.clear()
        while self._marks and self._marks[0][0] <= sequence:
            self.unacknowledged -= self._marks.popleft()[1]
        self.acknowledged.set()

    async def wait_for_room(self, size: int, *, at_most: float) -> None:
        """Raises `TimeoutError` when the page does not read for so long."""
        async with asyncio.timeout(at_most):
            while not self.has_room(size):
                self.acknowledged.clear()
                await self.acknowledged.wait()
