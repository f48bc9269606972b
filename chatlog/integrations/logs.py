"""Records what is logged, for agents of no framework: a handler for Python's own `logging`.

    logging.getLogger("my.agents").addHandler(chatlog.integrations.logs.ChatlogHandler(task="Night shift"))

Saves happen in a thread of their own. Whoever logs never waits for the store, and never sees it fail.
"""

from __future__ import annotations

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
from chatlog.integrations.logs_worker import LogWorker
from chatlog.integrations.run import RunOptions
from chatlog.storage.opening import open_store

# Of what multiprocessing does at the end of a process, the last: what the rest of it logs is heard.
_LAST = -1_000


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
        self._new = partial(LogWorker, open_, {**options, "on_report": on_report})
        self._begin()
        super().__init__(level)  # last: from here on Python closes the handler at the end of the program

    def filter(self, record: logging.LogRecord) -> Any:
        """Leave out what saving itself logs, or it would be saved, and logged, and saved; here, where no lock is held yet."""
        own = (record.threadName or "").startswith("chatlog-") or record.name.split(".")[0] == "chatlog"
        return False if own else super().filter(record)  # from Python 3.12 on another record, perhaps

    def emit(self, record: logging.LogRecord) -> None:
        """Take the record, to be stored after those before it."""
        try:
            if os.getpid() != self._process:  # forked: threads and connections stayed behind
                self._begin()
            self._worker.take(partial(self._draft, record))
        except Exception:  # as handlers do: whoever logs must not feel it
            self.handleError(record)

    def close(self) -> None:
        """Store what waits, and how it ended."""
        at_exit = not threading.main_thread().is_alive()
        self._end(getattr(sys, "last_value", None) if at_exit else None)  # what nobody caught

    def _begin(self) -> None:
        self._worker, self._process = self._new(), os.getpid()
        _at_end_of_child(self._end_with_child)

    def _end(self, error: BaseException | None) -> None:
        if os.getpid() == self._process:
            self._worker.end(error)
        super().close()

    def _end_with_child(self) -> None:
        error = sys.exc_info()[1]  # multiprocessing calls this while it handles what ended its child
        self._end(None if isinstance(error, SystemExit) else error)

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


def _at_end_of_child(do: Callable[[], None]) -> None:
    """Have `do` called when this process ends, if multiprocessing began it.

    A child that it forked leaves by `os._exit`, which goes past `atexit` and so past `logging.shutdown`.
    """
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        from multiprocessing.util import Finalize  # noqa: PLC0415  # not loaded for programs of one process

        Finalize(None, do, exitpriority=_LAST)
