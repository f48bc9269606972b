"""The thread in which a log handler saves."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from chatlog.domain.models import MessageDraft
from chatlog.integrations.background import RunReport
from chatlog.integrations.run import RecordedRun
from chatlog.recorder import outcome
from chatlog.storage.base import SessionWriter
from chatlog.storage.lasting_loop import LastingLoop

logger = logging.getLogger(__name__)

# Who reports how the program ended.
RUN_SOURCE = "Program"
_THREAD = "chatlog-log-handler"


class LogWorker:
    """A thread with an event loop, started with the first record. While none can be had, each record tries again.

    Args:
        open_: opens the store, which is closed at the end.
        options: those of `RunOptions`.
    """

    def __init__(self, open_: Callable[[], SessionWriter], options: dict[str, Any]) -> None:
        self._store = open_()
        self._run = RecordedRun(source=RUN_SOURCE, no_task=RUN_SOURCE, store=self._store, **options)
        self._patience = options["flush_seconds"] + 1.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._error: BaseException | None = None
        self._untaken = 0
        self._obstacle: Exception | None = None  # why, the first time

    def take(self, make: Callable[[], Iterable[MessageDraft]]) -> None:
        """Have what `make` returns stored, after what was taken before. Raises what keeps the thread from starting."""
        with self._lock:
            if self._thread is None and not self._ended:
                try:
                    self._thread = self._start()
                except Exception as error:
                    self._untaken += 1
                    self._obstacle = self._obstacle or error
                    raise
        self._run.take(make)

    def end(self, error: BaseException | None) -> None:
        """Store what waits, and how it ended."""
        with self._lock:
            ended, self._ended = self._ended, True
        if ended:
            return
        if self._thread is None or self._loop is None:
            self._tell_untaken(error)
            return
        self._error = error
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(self._patience)

    def _start(self) -> threading.Thread:
        started: Future[None] = Future()
        thread = threading.Thread(target=self._serve, args=(started,), name=_THREAD, daemon=True)
        thread.start()
        started.result()
        return thread

    def _serve(self, started: Future[None]) -> None:
        try:
            with asyncio.Runner(loop_factory=LastingLoop) as runner:
                runner.run(self._record(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # whoever logs waits for the start

    async def _record(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._run.begin()
        if self._obstacle is not None:
            self._run.lose(self._untaken, self._obstacle)
        started.set_result(None)
        await self._ending.wait()
        self._run.tell(await self._run.end(self._error))
        await self._store.aclose()

    def _tell_untaken(self, error: BaseException | None) -> None:
        """How the recording of a program went that never got the thread, and yet had something to say."""
        if self._obstacle is None:
            return
        report = RunReport(session_id=None, status=outcome(error), saved=0, lost=self._untaken, first_error=self._obstacle)
        logger.error("A run is not recorded: %s", report)
        self._run.tell(report)
