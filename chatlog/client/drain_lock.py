"""Whose turn it is to send what waits in a queue that several processes share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatlog.storage.file_locks import try_lock, unlock
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
            if not try_lock(file.fileno()):
                yield False
                return
            try:
                yield True
            finally:
                unlock(file.fileno())
