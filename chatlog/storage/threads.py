"""The threads that stores do their work in: begun, or said why not; and left behind by a fork."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread

from chatlog.errors import StorageUnavailable


def start_thread(serve: Callable[[], None], *, name: str) -> Thread:
    """A thread that is running, and dies with the process. Raises `StorageUnavailable` if the system has none to give."""
    thread = Thread(target=serve, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise StorageUnavailable(f"The thread {name} cannot be started ({error}). End others, or raise the limit.") from error
    return thread


def check_not_forked(process: int) -> None:
    """Raise `StorageUnavailable` unless this is the process of that id, in which the threads were started."""
    if process != os.getpid():
        raise StorageUnavailable("This store was in use when the process was forked. Open another one in the new process.")
