"""A thread with an event loop of its own. Everything a remote store does happens there, whichever loop asks for it.

So agents that keep their own loop busy do not hold up the queue, several loops can share one store, and no lock is needed: of
what lives in this thread, only one thing runs at a time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from chatlog.errors import StorageUnavailable, StoreClosed
from chatlog.storage.lasting_loop import LastingLoop
from chatlog.storage.threads import check_not_forked, start_thread

Result = TypeVar("Result")


class Worker:
    """Starts its thread with the first piece of work. The thread dies with the process: what must last is on the disk."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        self._unfinished: set[Future[Any]] = set()
        self._is_closed = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Do `work` in the thread, and return its result in the caller's loop. A caller that is cancelled cancels the work.

        Raises:
            StoreClosed: after `close`, or because `close` could not wait any longer.
            StorageUnavailable: there is no thread to be had, or this process was forked after it had started.
        """
        with self._guard:
            if self._is_closed:
                raise StoreClosed
            loop = self._start()
            future = asyncio.run_coroutine_threadsafe(work(), loop)
            self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._is_closed and task is not None and not task.cancelling():
                raise StoreClosed from None
            raise

    def check_open(self) -> None:
        """Raise `StoreClosed` after `close`."""
        if self._is_closed:
            raise StoreClosed

    async def close(self, last: Callable[[], Coroutine[Any, Any, None]], *, patience: float) -> None:
        """Finish what was begun, for so many seconds, do `last`, and end the thread. Closing twice is fine."""
        with self._guard:
            is_closed, self._is_closed = self._is_closed, True
        if is_closed or self._loop is None or self._thread is None or self._process != os.getpid():
            return
        try:
            if unfinished := [asyncio.wrap_future(future) for future in tuple(self._unfinished)]:
                done, _ = await asyncio.wait(unfinished, timeout=patience)
                for one in done:
                    one.cancelled() or one.exception()  # which its caller is told; here it is only waited for
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(last(), self._loop))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()  # it has nothing left to do

    def _start(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = LastingLoop()
            try:
                self._thread = start_thread(partial(_serve, loop), name=self._name)
            except StorageUnavailable:
                loop.close()
                raise
            self._loop, self._process = loop, os.getpid()
        check_not_forked(self._process)
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    if unfinished := asyncio.all_tasks(loop):
        for task in unfinished:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*unfinished, return_exceptions=True))
    loop.run_until_complete(asyncio.sleep(0))  # connections that were closed let go of their sockets one turn later
    loop.close()
