"""Records what is logged, for agents of no framework: a handler for Python's own `logging`.

    logging.getLogger("my.agents").addHandler(chatlog.integrations.logs.ChatlogHandler(task="Night shift"))

Saves happen in a thread of their own. Whoever logs never waits for the store, and never sees it fail.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chatlog.domain import remarks
from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.integrations.background import RunReport
from chatlog.integrations.run import RecordedRun, RunOptions
from chatlog.storage.base import SessionWriter
from chatlog.storage.opening import open_store

logger = logging.getLogger(__name__)

# Who reports how the program ended.
RUN_SOURCE = "Program"
_THREAD = "chatlog-log-handler"


class ChatlogHandler(logging.Handler):
    """Begins a session with the first record, and completes it when it is closed, at the latest with the program.

    A program that ends with an exception nobody caught fails its session. Each process has a session of its own, unless they
    share a `session_id`. What a record says beyond its text is taken from `extra`: `source`, `kind`, `message_id`,
    `models_usage` and `metadata`, as in `Recorder.save`.

    Args:
        task: what the session is called in lists.
        location: where to; see `chatlog.open_store`. The environment says it by default.
        token: for an `https://…` location, as there.
        allow_plain_http: as there, for an `http://…` location on another machine.
        session_id: the id of the session to begin; a new one by default.
        participants: who is expected to speak; whoever speaks is added.
        tags: words to find the session by.
        on_report: called at the end, in the handler's thread, with what was stored and what was lost.
        flush_seconds: how long the end waits, at most, for a store that is behind.
        level: the lowest level to record.
    Raises:
        ConfigurationError: the location or the environment cannot be understood.
        InvalidInput: a name or id that cannot be stored.
    """

    def __init__(
        self,
        *,
        task: str,
        location: str | None = None,
        token: str | None = None,
        allow_plain_http: bool = False,
        session_id: str | None = None,
        participants: Iterable[str] = (),
        tags: Iterable[str] = (),
        on_report: Callable[[RunReport], None] | None = None,
        flush_seconds: float = 10.0,
        level: int | str = logging.NOTSET,
    ) -> None:
        options = RunOptions(
            task=task, session_id=session_id, participants=tuple(participants), tags=tuple(tags), flush_seconds=flush_seconds
        )
        open_ = partial(open_store, location, token=token, allow_plain_http=allow_plain_http)
        self._new = partial(_Worker, open_, {**options, "on_report": on_report})
        self._worker = self._new()
        self._process = os.getpid()
        super().__init__(level)  # last: from here on Python closes the handler at the end of the program

    def filter(self, record: logging.LogRecord) -> Any:
        """Leave out what saving itself logs, or it would be saved, and logged, and saved; here, where no lock is held yet."""
        own = (record.threadName or "").startswith("chatlog-") or record.name.split(".")[0] == "chatlog"
        return False if own else super().filter(record)  # from Python 3.12 on another record, perhaps

    def emit(self, record: logging.LogRecord) -> None:
        """Take the record, to be stored after those before it."""
        if os.getpid() != self._process:  # forked: threads and connections stayed behind
            self._worker, self._process = self._new(), os.getpid()
        self._worker.take(partial(self._draft, record))

    def close(self) -> None:
        """Store what waits, and how it ended."""
        if os.getpid() == self._process:
            at_exit = not threading.main_thread().is_alive()
            self._worker.end(getattr(sys, "last_value", None) if at_exit else None)  # what nobody caught
        super().close()

    def _draft(self, record: logging.LogRecord) -> Iterator[MessageDraft]:
        notes = {"level": record.levelname, "logger": record.name, **getattr(record, "metadata", {})}
        yield remarks.draft(
            framework="logging",
            type_="LogRecord",
            said_id=getattr(record, "message_id", None),
            source=str(getattr(record, "source", record.name)),
            text=self._text(record),
            kind=getattr(record, "kind", MessageKind.ERROR if record.levelno >= logging.ERROR else MessageKind.TEXT),
            timestamp=datetime.fromtimestamp(record.created, UTC),
            models_usage=getattr(record, "models_usage", None),
            notes=notes,
        )

    def _text(self, record: logging.LogRecord) -> str:
        if self.formatter is not None:
            return self.format(record)
        text = record.getMessage()
        if record.exc_info:
            text += "\n\n" + fenced(logging.Formatter().formatException(record.exc_info))
        return text


class _Worker:
    """A thread with an event loop, started with the first record."""

    def __init__(self, open_: Callable[[], SessionWriter], options: dict[str, Any]) -> None:
        self._store = open_()
        self._run = RecordedRun(source=RUN_SOURCE, no_task=RUN_SOURCE, store=self._store, **options)
        self._patience = options["flush_seconds"] + 1.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._error: BaseException | None = None

    def take(self, make: Callable[[], Iterable[MessageDraft]]) -> None:
        with self._lock:
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._serve, name=_THREAD, daemon=True)
                self._thread.start()
                self._ready.wait()
        self._run.take(make)

    def end(self, error: BaseException | None) -> None:
        with self._lock:
            ended, self._ended = self._ended, True
        if ended or self._thread is None or self._loop is None:
            return
        self._error = error
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(self._patience)

    def _serve(self) -> None:
        asyncio.run(self._record())

    async def _record(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._run.begin()
        self._ready.set()
        await self._ending.wait()
        self._run.tell(await self._run.end(self._error))
        try:
            await self._store.aclose()
        except RuntimeError as error:  # the interpreter goes down, and gives nobody a thread to close with
            logger.debug("The store was left open at the program's end: %s", error)
