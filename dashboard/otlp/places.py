"""How many requests are inside at the same time, and how long another one waits: what a request holds is large."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dashboard.programs.problems import RETRY_AFTER_SECONDS, Problem

MOST_INSIDE = 8
MOST_WAITING = 8
WAIT_SECONDS = 5.0


class Places:
    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MOST_INSIDE)
        self._waiting = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a place. Raises `Problem`: there is none, and too many wait already or none became free in time."""
        if self._waiting == MOST_WAITING:
            raise _full()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise _full() from error
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


def _full() -> Problem:
    text = f"{MOST_INSIDE} requests with spans are being stored already, and others wait. Send this one again later."
    return Problem(503, text, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
