"""One run of whatever framework, recorded beside it: where to, what it is called, and how it ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypedDict, TypeVar

from chatlog.domain import remarks
from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.errors import ConfigurationError
from chatlog.integrations.background import BackgroundRecording, RunReport
from chatlog.recorder import Recorder, outcome
from chatlog.storage.base import SessionWriter

logger = logging.getLogger(__name__)
Thing = TypeVar("Thing")


class RunOptions(TypedDict, total=False):
    """What `record` of every framework takes; either `store` or `recorder` is needed.

    Attributes:
        store: begins a session of its own there for the run.
        recorder: or: adds to this one's session, whose status stays its owner's business.
        task: what the session is called in lists; the first message of the run by default.
        session_id: the id of the session to begin; a new one by default.
        participants: who is expected to speak; whoever speaks is added.
        tags: words to find the session by.
        on_report: called at the end with what was stored and what was lost.
        flush_seconds: how long the end of the run waits, at most, for a store that is behind; 10 by default.
    """

    store: SessionWriter | None
    recorder: Recorder | None
    task: str | None
    session_id: str | None
    participants: Iterable[str]
    tags: Iterable[str]
    on_report: Callable[[RunReport], None] | None
    flush_seconds: float


class RecordedRun:
    """Takes what is said, from any thread, and never raises for it; the options are those of `RunOptions`.

    Args:
        source: who reports how the run ended, for example "AutoGen run".
        no_task: what the session is called when nobody said.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """

    def __init__(
        self,
        *,
        source: str,
        no_task: str,
        store: SessionWriter | None = None,
        recorder: Recorder | None = None,
        task: str | None = None,
        session_id: str | None = None,
        participants: Iterable[str] = (),
        tags: Iterable[str] = (),
        on_report: Callable[[RunReport], None] | None = None,
        flush_seconds: float = 10.0,
    ) -> None:
        if (store is None) == (recorder is None):
            raise ConfigurationError("record() needs either a store, to begin a session, or the recorder of one.")
        speakers, words = tuple(participants), tuple(tags)

        def open_recorder(first: MessageDraft | None) -> Recorder:
            if store is None:
                assert recorder is not None
                return recorder
            name = task or _task_in(first) or no_task
            return Recorder(store, task=name, session_id=session_id, participants=speakers, tags=words)

        open_recorder(None)  # here and now, so that what the caller passed is refused where it was passed
        self._open_recorder = open_recorder
        self._begins_session = store is not None
        self._source = source
        self._on_report = on_report
        self._flush_seconds = flush_seconds
        self._recording: BackgroundRecording | None = None
        self._ended = False
        self._process = 0
        self._used_ids: set[str] = set()

    @property
    def lost(self) -> int:
        """How many messages are lost so far."""
        return 0 if self._recording is None else self._recording.lost

    def begin(self) -> None:
        """Start to record; needs a running event loop, which does the saving."""
        if self._recording is not None:
            raise ConfigurationError("This recording was used before. Call record() again for another run.")
        self._process = os.getpid()
        self._recording = BackgroundRecording(self._open_recorder, begins_session=self._begins_session)

    def take(self, make: Callable[[], Iterable[MessageDraft]]) -> None:
        """Record what `make` returns; an error of its own is counted like a message that was refused."""
        recording = self._recording
        if recording is None or self._ended:
            logger.warning("%s: something was said outside of its recording, and is not stored.", self._source)
            return
        if os.getpid() != self._process:
            logger.warning("%s: something was said in a forked process, and is not stored. Record there as well.", self._source)
            return
        try:
            for draft in make():
                recording.put(draft)
        except Exception as error:  # a type of the user's own may raise anything; the run must not feel it
            recording.lose(1, error)

    def lose(self, count: int, error: Exception) -> None:
        """Count what could not be recorded."""
        assert self._recording is not None
        self._recording.lose(count, error)

    def each(self, things: Iterable[Thing], read: Callable[[Thing], Iterable[MessageDraft]]) -> Iterator[MessageDraft]:
        """What `read` makes of each; one that cannot be read is counted, and does not take the others along."""
        for thing in things:
            try:
                yield from read(thing)
            except Exception as error:  # as in `take`
                self.lose(1, error)

    def unused(self, said_id: str | None) -> str | None:
        """The id, unless this run used it before: some models number their calls from one in each answer."""
        if not said_id or said_id in self._used_ids:
            return None
        self._used_ids.add(said_id)
        return said_id

    async def end(self, error: BaseException | None) -> RunReport:
        """Store what waits, and as the last remark the error that ended the run: `GeneratorExit` if it was left early."""
        assert self._recording is not None
        if isinstance(error, Exception):
            self.take(lambda: [remarks.failure(error, source=self._source)])
        self._ended = True
        return await self._recording.finish(outcome(error), at_most=self._flush_seconds)

    def tell(self, report: RunReport) -> None:
        """Hand the report to whoever asked for it."""
        if self._on_report is None:
            return
        try:
            self._on_report(report)
        except Exception:  # a report must not break the run it is about
            logger.exception("on_report failed for session %s.", report.session_id)


def _task_in(first: MessageDraft | None) -> str | None:
    """What the run was asked; a longer text stands in full in its first message."""
    return None if first is None or first.kind != MessageKind.TEXT else first.content.strip()[:MAX_TASK_CHARACTERS]
