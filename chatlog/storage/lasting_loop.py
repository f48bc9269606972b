"""An event loop that works to the very end of the program, for threads in which what was said last is still being saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import TypeVar, TypeVarTuple

Result = TypeVar("Result")
Args = TypeVarTuple("Args")


class LastingLoop(asyncio.SelectorEventLoop):
    """Looks up names, and does whatever else would block it, in threads that it starts by itself.

    The pool that asyncio has for that takes nothing more once the main thread has ended, while log handlers are closed only
    afterwards; and it would hold up the end of the program for as long as a name server does not answer.
    """

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Args], Result], *args: *Args
    ) -> asyncio.Future[Result]:
        """As asyncio's, but without an executor `func` gets a thread of its own."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        done: Future[Result] = Future()
        done.set_running_or_notify_cancel()  # who is cancelled stops waiting; it is done all the same

        def work() -> None:
            try:
                done.set_result(func(*args))
            except BaseException as error:  # it is handed to whoever waits
                done.set_exception(error)

        try:
            Thread(target=work, name="chatlog-aside", daemon=True).start()
        except RuntimeError:  # no thread to be had, as in Python 3.12 at its end: then here, where nobody else waits
            work()
        return asyncio.wrap_future(done, loop=self)
