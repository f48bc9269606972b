"""One writer thread per store, with group commit: all saves that wait share one transaction and one trip to the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

from chatlog.errors import ChatlogError, StorageError, StoreClosed
from chatlog.storage.sqlite import queries
from chatlog.storage.sqlite.connection import open_connection, translated_errors
from chatlog.storage.sqlite.indexing import Backlog, index_some
from chatlog.storage.sqlite.kept_connection import KeptConnection
from chatlog.storage.threads import check_not_forked, start_thread

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
Work = Callable[[apsw.Connection], Result]

# Bounds how long the first of a group waits for the last, and how much one transaction holds in memory.
MAX_GROUP = 512
_CLOSING_SECONDS = 5.0


@dataclass(slots=True)
class _Job:
    """A piece of work and whom to tell. Exactly one of `result` and `error` is set once it has run."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class GroupCommitWriter:
    """Runs pieces of work one after the other in its own thread, and tells their callers after the commit they were in.

    Work that raises is undone alone; the rest of its group is committed. A caller that is cancelled stops waiting, its work
    is still done: a write is never left half known.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._process = 0
        self._lock = threading.Lock()
        self._closed = False
        self._kept = KeptConnection(self._open)
        self._backlog = Backlog()
        self._index_failed = False

    @property
    def waiting(self) -> int:
        """Pieces of work that have not been begun."""
        return self._jobs.qsize()

    async def run(self, work: Work[Result]) -> Result:
        """Do `work` in a transaction and return its result after the commit.

        Raises:
            StoreClosed: after `close`.
            StorageUnavailable: there is no thread to be had, or this process was forked after it had started.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._thread is None:
                self._thread = start_thread(self._serve, name="chatlog-writer")
                self._process = os.getpid()
            check_not_forked(self._process)
            self._jobs.put(job)
        result: Result = await job.future
        return result

    def close(self) -> None:
        """Finish what waits, then let go of the file. Blocks; closing twice is fine."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def _serve(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._save(group)
            if not group or self._backlog.is_old:
                self._index()
            # As much is indexed as comes: many saves would otherwise leave the index ever further behind.
            while self._backlog.is_large:
                self._index()
        self._finish_index()
        self._kept.close()

    def _save(self, group: list[_Job]) -> None:
        try:
            self._commit(group)
        except BaseException as error:  # it is handed to every caller of the group; the thread must live on
            self._kept.close()  # what the failed commit left behind is rolled back, and the next group starts afresh
            for job in group:
                job.error = job.error or error
        _tell(group)

    def _next_group(self) -> list[_Job] | None:
        """Everything that waits, nothing if it is time for the index, or `None` once the last job before closing is done."""
        try:
            first = self._jobs.get(timeout=self._backlog.patience)
        except queue.Empty:
            return []
        if first is None:
            return None
        group = [first]
        while len(group) < MAX_GROUP and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            group.append(job)
        return group

    def _commit(self, group: list[_Job]) -> None:
        with translated_errors(self._path), self._kept.use() as connection:
            before = connection.total_changes()
            connection.execute(queries.BEGIN_WRITING)
            for job in group:
                _run(job, connection)
            connection.execute(queries.COMMIT)
            self._backlog.grow(connection.total_changes() - before)

    def _open(self) -> apsw.Connection:
        connection = open_connection(self._path)
        self._backlog.grow(1)  # a writer that was killed may have left something to index
        return connection

    def _index(self) -> None:
        """Let the index catch up a little. Saves are acknowledged by now, and must not fail for the index."""
        try:
            with translated_errors(self._path), self._kept.use() as connection:
                step = index_some(connection)
        except Exception:  # whatever it is: it is told once and tried again
            self._backlog.postpone()
            self._kept.close()
            if not self._index_failed:
                logger.exception("The search index of %s is behind; it is tried again. Nothing is lost.", self._path)
            self._index_failed = True
        else:
            self._backlog.shrink(step)
            self._index_failed = False

    def _finish_index(self) -> None:
        """Before closing; what would take longer is left to the next writer, and found by searches all the same."""
        deadline = time.monotonic() + _CLOSING_SECONDS
        while self._backlog.is_waiting and time.monotonic() < deadline:
            self._index()


def _run(job: _Job, connection: apsw.Connection) -> None:
    connection.execute(queries.BEGIN_JOB)
    try:
        job.result = job.work(connection)
    except ChatlogError as error:
        connection.execute(queries.UNDO_JOB)
        job.error = error
    connection.execute(queries.END_JOB)


def _tell(group: list[_Job]) -> None:
    """Hand out the results, waking each event loop once and not once per caller."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in group:
        by_loop[job.loop].append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:
            logger.debug("The event loop of %d finished saves is closed; nobody waits for them.", len(jobs))


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # its caller was cancelled
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error.own_copy() if isinstance(job.error, StorageError) else job.error)
