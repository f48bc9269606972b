"""The thread that a mirror is followed in: an event loop of its own, which no event loop of a caller's can hold up or end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from chatlog.errors import ChatlogError, StoreClosed
from chatlog.storage.mirror.following import Following
from chatlog.storage.threads import start_thread


class FollowerThread:
    """Started by the first use, ended by `close`. May be used from any thread and event loop."""

    def __init__(self, make: Callable[[], Following]) -> None:
        self._make = make
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_ready = threading.Event()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._following: Following | None = None

    @property
    def trouble(self) -> ChatlogError | None:
        """What keeps the container from being followed now; `None` also before the first try."""
        return None if self._following is None else self._following.trouble

    def start(self) -> None:
        """Begin to follow, unless that has begun. Raises `StoreClosed`."""
        with self._guard:
            if self._is_closed:
                raise StoreClosed
            if self._thread is None:
                self._thread = start_thread(self._serve, name="chatlog-follower")
        self._is_ready.wait()

    async def ask(self, question: Callable[[Following], Coroutine[Any, Any, None]]) -> None:
        """Ask the following something, in its own event loop."""
        await asyncio.to_thread(self.start)
        assert self._loop is not None
        assert self._following is not None
        answer = asyncio.run_coroutine_threadsafe(question(self._following), self._loop)
        try:
            await asyncio.wrap_future(answer)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self._is_closed and task is not None and not task.cancelling():
                raise StoreClosed from error  # the loop was ended while it had not answered; nobody cancelled us
            raise

    def close(self) -> None:
        """Stop following. Blocks for as long as it takes to end what is under way; closing twice is fine."""
        with self._guard:
            self._is_closed = True
            thread, self._thread = self._thread, None
        if thread is None:
            return
        self._is_ready.wait()
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        thread.join()

    def _serve(self) -> None:
        try:
            with suppress(asyncio.CancelledError):
                asyncio.run(self._run())
        finally:
            self._is_ready.set()  # also if it could not begin: nobody waits for ever

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._following = self._make()
        self._is_ready.set()
        await self._following.run()
