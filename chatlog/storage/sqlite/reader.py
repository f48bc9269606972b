"""Reading beside the writer: a few threads, each with a connection of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from chatlog.errors import StoreClosed
from chatlog.storage.sqlite import queries
from chatlog.storage.sqlite.connection import open_reader, translated_errors
from chatlog.storage.sqlite.kept_connection import KeptConnection
from chatlog.storage.threads import check_not_forked

Result = TypeVar("Result")
_THREADS = 4
# How often the file is asked whether another connection has written: one look costs some microseconds.
_LOOK_EVERY_SECONDS = 0.025


class ReaderPool:
    """Runs reads in threads, so that neither the disk nor a long read holds up an event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="chatlog-reader")
        self._local = threading.local()
        self._kept: list[KeptConnection] = []
        self._process: int | None = None
        self._closed = False

    async def run(self, read: Callable[[apsw.Connection], Result]) -> Result:
        """Do `read` in a thread and return its result. Raises `StoreClosed`; `StorageUnavailable` after a fork."""
        if self._closed:
            raise StoreClosed
        self._process = self._process or os.getpid()
        check_not_forked(self._process)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, read)

    def close(self) -> None:
        """Finish what is being read, then let go of the file. Blocks; closing twice is fine."""
        self._closed = True
        self._pool.shutdown()
        while self._kept:
            self._kept.pop().close()

    def _read(self, read: Callable[[apsw.Connection], Result]) -> Result:
        with translated_errors(self._path), self._own_connection().use() as connection:
            connection.execute(queries.BEGIN_READING)  # everything that one read sees is of one moment
            try:
                return read(connection)
            finally:
                if connection.in_transaction:  # an error may have ended it
                    connection.execute(queries.COMMIT)

    def _own_connection(self) -> KeptConnection:
        """That of the thread."""
        if not hasattr(self._local, "kept"):
            self._local.kept = KeptConnection(lambda: open_reader(self._path))
            self._kept.append(self._local.kept)
        kept: KeptConnection = self._local.kept
        return kept


class ChangeWatcher:
    """Notices that any connection, of any process, has committed something.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="chatlog-watcher")
        self._kept = KeptConnection(lambda: open_reader(path))
        self._seen: tuple[apsw.Connection, int] | None = None  # a version says something only to its own connection
        self._stop = threading.Event()

    async def wait(self, *, at_most: float) -> bool:
        """Whether something was committed within `at_most` seconds, or since the last call."""
        cancelled = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._watch, at_most, cancelled)
        finally:
            cancelled.set()

    def close(self) -> None:
        """Stop watching. Blocks for one look at the most; closing twice is fine."""
        self._stop.set()
        self._pool.shutdown()
        self._kept.close()

    def _watch(self, at_most: float, cancelled: threading.Event) -> bool:
        for _ in range(max(1, round(at_most / _LOOK_EVERY_SECONDS))):
            if self._has_changed():
                return True
            if self._stop.is_set() or cancelled.wait(_LOOK_EVERY_SECONDS):
                return False
        return False

    def _has_changed(self) -> bool:
        with translated_errors(self._path), self._kept.use() as connection:
            seen = connection, int(connection.pragma("data_version"))
        before, self._seen = self._seen, seen
        return before != seen
