"""Whose turn it is to send what waits in a queue that several processes share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatlog.storage.sqlite.connection import translated_errors


class DrainLock:
    """A lock on a file beside the queue. The system takes it back from a process that is killed."""

    def __init__(self, queue: Path) -> None:
        self._path = Path(f"{queue}.lock")

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether it is this one's turn, for as long as the block lasts; never waits."""
        with translated_errors(self._path):
            file = self._path.open("ab")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            try:
                yield True
            finally:
                # Closing is not enough: a process that was forked meanwhile has the file open as well.
                fcntl.flock(file, fcntl.LOCK_UN)
