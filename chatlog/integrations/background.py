"""Recording beside a run that must not notice: never slower, never broken, and open about what was lost."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import islice

from chatlog.domain.models import MessageDraft, SessionStatus
from chatlog.errors import LASTING, ChatlogError, IdempotencyConflict, StorageError
from chatlog.recorder import Recorder

logger = logging.getLogger(__name__)

# What may wait for a store that is slow or away; the rest is dropped and counted. 16 million characters are at most 64 MB.
MAX_WAITING_MESSAGES = 1_000
MAX_WAITING_CHARACTERS = 16_000_000
# One save takes this many at most: a transactional batch of Cosmos DB, so that a refusal stores nothing of it.
MAX_BATCH = 100
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# The note of a message whose id another one has already.
_TAKEN = "taken_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How recording a run went.

    Attributes:
        session_id: where it was recorded; `None` if the session could not even be begun.
        status: how the run ended.
        saved: messages that are safely stored.
        lost: messages that are not, or of which it is not known.
        first_error: the first trouble there was, even if it was overcome.
    """

    session_id: str | None
    status: SessionStatus
    saved: int
    lost: int
    first_error: Exception | None


class BackgroundRecording:
    """Saves in a task of its own, in order, for as long as it takes; whoever puts something in never waits.

    A store that does not answer is tried again, with growing pauses, while the run goes on. What a store refuses for good is
    counted as lost, and the next message is tried.

    Args:
        open_recorder: makes the recorder, from the first message.
        begins_session: whether that recorder begins its session here, and gets the run's outcome as its status.
    """

    def __init__(self, open_recorder: Callable[[MessageDraft], Recorder], *, begins_session: bool) -> None:
        self._open_recorder = open_recorder
        self._begins_session = begins_session
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()  # around what waits, which any thread may add to
        self._opening: Recorder | None = None
        self._recorder: Recorder | None = None  # once its session is known to be there
        self._waiting: deque[MessageDraft] = deque()
        self._characters = 0
        self._more = asyncio.Event()
        self._ending = asyncio.Event()
        self._status: SessionStatus | None = None
        self._saved = 0
        self._lost = 0
        self._first_error: Exception | None = None
        self._task = self._start()

    @property
    def lost(self) -> int:
        """How many messages are lost so far."""
        return self._lost

    def put(self, draft: MessageDraft) -> None:
        """Take a message, to be stored after those before it. Returns at once; any thread may call it."""
        size = len(draft.content)
        with self._lock:
            waiting = len(self._waiting)
            fits = waiting < MAX_WAITING_MESSAGES and self._characters + size <= MAX_WAITING_CHARACTERS
            if fits:
                self._characters += size
                self._waiting.append(draft)
        if not fits:
            self.lose(1, BufferError(f"{waiting} messages wait for the store already; no more are kept."))
        elif threading.get_ident() == self._thread:
            self._more.set()
        else:
            self._loop.call_soon_threadsafe(self._more.set)

    def lose(self, count: int, error: Exception) -> None:
        """Count messages that will not be stored."""
        with self._lock:
            self._lost += count
        self._tell_first(error)

    async def finish(self, status: SessionStatus, *, at_most: float) -> RunReport:
        """Store what waits and the outcome, for at most that many seconds, and tell how it went. Never raises for a store."""
        self._status = status
        shortfall = f"The store did not take everything within {at_most:g} s."
        try:
            self._ending.set()
            self._more.set()
            await self._come_to_an_end(self._loop.time() + at_most)
        except BaseException as error:  # the run is cancelled, or its loop is closed: nobody gets a report, but the log has it
            shortfall = f"The store had not taken everything when the end was not waited for any more ({type(error).__name__})."
            raise
        finally:
            report = self._sum_up(status, shortfall)
            self._task.cancel()
        return report

    async def _come_to_an_end(self, deadline: float) -> None:
        await asyncio.wait([self._task], timeout=deadline - self._loop.time())
        if self._task.cancelled():  # by somebody else: when a program is left, asyncio.run cancels every task there is
            self._task = self._start()
            await asyncio.wait([self._task], timeout=deadline - self._loop.time())

    def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._work(), name="chatlog-background-recording")

    def _sum_up(self, status: SessionStatus, shortfall: str) -> RunReport:
        """How it went. What is not done by now is not waited for."""
        is_done = self._task.done() and not self._task.cancelled()
        bug = self._task.exception() if is_done else None
        is_complete = self._opening is None or (is_done and bug is None)
        if self._waiting or not is_complete:
            self.lose(len(self._waiting), TimeoutError(shortfall))
        session_id = None if self._recorder is None else self._recorder.session_id
        report = RunReport(
            session_id=session_id, status=status, saved=self._saved, lost=self._lost, first_error=self._first_error
        )
        if report.lost or not is_complete:
            logger.error("A run is not recorded completely: %s", report, exc_info=bug)
        return report

    async def _work(self) -> None:
        while self._waiting or not self._ending.is_set():
            self._more.clear()
            with self._lock:
                drafts = list(islice(self._waiting, MAX_BATCH))
            if drafts:
                await self._save_some(drafts)
            else:
                await self._more.wait()
        if self._recorder is not None and self._begins_session:
            await self._end(self._recorder)

    async def _save_some(self, drafts: list[MessageDraft]) -> None:
        """Store `drafts`, the first that wait, or count them as lost. They keep waiting until one or the other is known."""
        try:
            await self._persist(lambda: self._save(drafts))
        except Exception as error:  # whatever a store throws, the run must not feel it; it is counted and told
            if len(drafts) > 1:  # one bad message must not take its neighbours along
                for draft in drafts:
                    await self._save_some([draft])
                return
            if isinstance(error, IdempotencyConflict) and _TAKEN not in drafts[0].metadata:
                await self._save_some([_renamed(drafts[0])])
                return
            self.lose(1, error)
        else:
            self._saved += len(drafts)
        with self._lock:
            for draft in drafts:
                self._waiting.popleft()
                self._characters -= len(draft.content)

    async def _save(self, drafts: list[MessageDraft]) -> None:
        if self._recorder is None:
            # Kept over attempts: another recorder would begin another session where only the reply was lost.
            self._opening = self._opening or self._open_recorder(drafts[0])
            if self._begins_session:
                await self._opening.__aenter__()
            self._recorder = self._opening
        await self._recorder.save_many(drafts)

    async def _end(self, recorder: Recorder) -> None:
        status = self._status or SessionStatus.COMPLETED
        try:
            await self._persist(lambda: recorder.end(status))
        except Exception as error:  # as above: told, and the run's own end goes on
            self._tell_first(error)
            logger.exception("Session %s stays active; that it is %s could not be stored.", recorder.session_id, status)

    async def _persist(self, attempt: Callable[[], Awaitable[object]]) -> None:
        """Make the attempt until the store answers; what it refuses for good is raised."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            was_ending = self._ending.is_set()
            try:
                await attempt()
            except StorageError as error:
                if isinstance(error, LASTING):
                    raise
                self._tell_first(error)
            else:
                return
            await self._pause(pause)
            woken = self._ending.is_set() and not was_ending
            pause = FIRST_PAUSE_SECONDS if woken else min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not through the end of the run: then there is little time left to try."""
        if self._ending.is_set():
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            pass  # the usual way for a pause to end

    def _tell_first(self, error: Exception) -> None:
        if self._first_error is not None:
            return
        self._first_error = error
        logger.warning(
            "Recording a run has trouble (%s: %s). The run goes on, and so do attempts; what is lost is told at its end.",
            type(error).__name__,
            error,
            exc_info=None if isinstance(error, ChatlogError | BufferError | TimeoutError) else error,
        )


def _renamed(draft: MessageDraft) -> MessageDraft:
    """The draft under another id, the same each time: some models number what they say from one again in every run."""
    text = f"{draft.message_id}\n{draft.source}\n{draft.content}"
    message_id = hashlib.sha256(text.encode()).hexdigest()[:32]
    return replace(draft, message_id=message_id, metadata={**draft.metadata, _TAKEN: draft.message_id})
