"""A thread with an event loop of its own. Everything a remote store does happens there, whichever loop asks for it.

So agents that keep their own loop busy do not hold up the queue, several loops can share one store, and no lock is needed: of
what lives in this thread, only one thing runs at a time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from chatlog.errors import StoreClosed

Result = TypeVar("Result")


class Worker:
    """Starts its thread with the first piece of work. The thread dies with the process: what must last is on the disk."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Do `work` in the thread, and return its result in the caller's loop. Raises `StoreClosed`, and what `work` raises.

        A caller that is cancelled cancels the work.
        """
        with self._guard:
            if self._is_closed:
                raise StoreClosed
            future = asyncio.run_coroutine_threadsafe(work(), self._start())
        return await asyncio.wrap_future(future)

    def check_open(self) -> None:
        """Raise `StoreClosed` after `close`."""
        if self._is_closed:
            raise StoreClosed

    async def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `last` as the last thing, if anything was done at all; then end the thread. Closing twice is fine."""
        with self._guard:
            if self._is_closed or self._loop is None or self._thread is None:
                self._is_closed = True
                return
            self._is_closed = True
            future = asyncio.run_coroutine_threadsafe(last(), self._loop)
        try:
            await asyncio.wrap_future(future)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()  # it has nothing left to do

    def _start(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    unfinished = asyncio.all_tasks(loop)
    for task in unfinished:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*unfinished, return_exceptions=True))
    loop.close()
