"""Sends what waits, oldest first, for as long as it takes: a session's entries in their order, until the site has them."""

from __future__ import annotations

import asyncio
import logging
import random
import shlex
import time

from chatlog.client.drain_lock import DrainLock
from chatlog.client.entries import Batch, EntryKind
from chatlog.client.outbox import Outbox
from chatlog.client.problems import Away, Refusal
from chatlog.client.progress import Progress
from chatlog.client.site import Site
from chatlog.client.stuck import StuckSessions
from chatlog.client.trouble import TroubleLog
from chatlog.client.wire import MAX_MESSAGES
from chatlog.errors import StorageDenied, StorageError

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
LONGEST_CLOSING_PAUSE_SECONDS = 1.0
# A token that is refused stays refused; it is asked about now and then, for a mistake on the site may be put right.
DENIED_PAUSE_SECONDS = 30.0
# How soon another process's turn is over, or what it left behind is noticed.
TURN_SECONDS = 0.5
LOOK_SECONDS = 5.0
CATCH_UP_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.02
# How many more messages than the last list had the next one may have. A site that was away is not met with full lists at once.
GROWTH = 100


class Sender:
    """A task in the store's own event loop. Whoever may send holds the lock; the others look now and then."""

    def __init__(self, site: Site, outbox: Outbox) -> None:
        self._site = site
        self._outbox = outbox
        self._lock = DrainLock(outbox.path)
        self._trouble = TroubleLog(site.name, outbox.path)
        self._stuck = StuckSessions(site.name, outbox.path)
        self._most = MAX_MESSAGES
        self._pause = FIRST_PAUSE_SECONDS
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._progress = Progress(outbox, self._stuck)
        self._failure: Exception | None = None  # what kept the last attempt from being one that sent something
        self._failing_since = 0.0
        self._task = asyncio.create_task(self._run(), name="chatlog-sender")

    def wake(self) -> None:
        """Something waits now."""
        self._news.set()

    async def catch_up(self, session_id: str) -> bool:
        """Whether the session may send at once: nothing waits any more, or only what is stuck in others.

        While the site takes what waits, and it is not much, that is worth a moment. Or whoever saves in a loop would always add
        one more before the last was through, and never see a number again; and of several processes, each would for the others.
        """
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while self._outbox.is_waiting(but=self._stuck.ids - {session_id}):
            if session_id in self._stuck.ids or not self._progress.is_made() or time.monotonic() >= deadline:
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return True

    async def send_waiting(self, *, patience: float) -> None:
        """Return when nothing waits. Raises what has kept all of it from being sent for so many seconds, or a refused token."""
        self._failure = None  # the next attempt may fare better
        self._news.set()
        while self._outbox.is_waiting():
            if self._failure is not None:
                is_over = time.monotonic() - self._failing_since >= patience
                if is_over or isinstance(self._failure, StorageDenied):
                    raise self._failure
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def finish(self, *, at_most: float) -> None:
        """Go on sending for so many seconds, then leave the rest to the next program."""
        self._closing.set()
        self._news.set()
        await asyncio.wait([self._task], timeout=at_most)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if left := self._count_waiting():
            logger.warning(
                "%d remarks and changes wait in %s. The next program that records there sends them, or "
                "`CHATLOG_DATA_DIR=%s chatlog send --store %s`.",
                left,
                self._outbox.path,
                shlex.quote(str(self._outbox.path.parent.absolute())),
                self._site.name,
            )

    async def _run(self) -> None:
        while True:
            self._news.clear()
            is_hopeless = False
            try:
                is_done = await self._send_all()
                pause = TURN_SECONDS
            except Exception as error:  # whatever it is, the sender must live on, and nothing is removed that was not sent
                is_done, is_hopeless = False, isinstance(error, StorageDenied)
                pause = self._note(error)
            if self._closing.is_set() and (is_done or is_hopeless):
                return
            await (_wait(self._news, LOOK_SECONDS) if is_done else self._rest(pause))

    async def _send_all(self) -> bool:
        """Send until nothing waits; `False` if another process is at it, or what is left is stuck."""
        if self._outbox.is_waiting():
            with self._lock.held() as is_our_turn:
                if not is_our_turn:
                    return not self._outbox.is_waiting()
                while batch := self._next_batch():
                    await self._send(batch)
                if self._outbox.is_waiting():
                    return False
                self._give_back_space()
        self._trouble.end()
        self._pause = FIRST_PAUSE_SECONDS
        return True

    def _give_back_space(self) -> None:
        try:
            self._outbox.give_back_space()
        except StorageError as error:  # everything was sent; a file that is too large is no reason to say it was not
            logger.warning("The queue stays as large as it was: %s", error)

    def _next_batch(self) -> Batch | None:
        """The oldest of what is not stuck; only then what is stuck and due, for many of those would hold up the rest."""
        batch = self._outbox.next_batch(most=self._most, but=self._stuck.ids)
        while batch is None and (due := self._stuck.find_due()) is not None:
            batch = self._outbox.next_batch(most=1, but=self._stuck.ids - {due})
            if batch is None:
                self._stuck.forget(due)  # another process has sent it
        return batch

    async def _send(self, batch: Batch) -> None:
        try:
            await self._deliver(batch)
        except Refusal as refusal:
            self._set_aside(batch, refusal)
        except StorageError as error:
            # A list may be too much for a slow line, whose time is up before it is through; or one of it holds up the others.
            self._most = max(1, len(batch.numbers) // 2)
            if isinstance(error, Away) and error.is_answer and len(batch.numbers) == 1:
                self._stuck.note(batch, error)
            raise
        else:
            self._outbox.remove(batch)
            self._stuck.forget(batch.session_id)
            self._most = min(MAX_MESSAGES, self._most + GROWTH)
            self._pause = FIRST_PAUSE_SECONDS
            self._failure = None

    async def _deliver(self, batch: Batch) -> None:
        match batch.kind:
            case EntryKind.BEGIN:
                await self._site.begin_session(batch.session_id, body=batch.bodies[0])
            case EntryKind.CHANGE:
                await self._site.change_session(batch.session_id, body=batch.bodies[0])
            case EntryKind.MESSAGE:
                await self._site.send_messages(batch.session_id, bodies=batch.bodies, message_ids=batch.message_ids)

    def _set_aside(self, batch: Batch, refusal: Refusal) -> None:
        """Keep apart what the site will never take, or find out with shorter lists which one it is."""
        self._stuck.forget(batch.session_id)
        session_id, numbers = batch.session_id, batch.numbers
        reason = str(refusal.as_error(session_id=session_id))
        if batch.kind is EntryKind.BEGIN:
            # What follows would go into a session of the same id that belongs to somebody else.
            refused = self._outbox.refuse_session(session_id, reason=reason)
        elif refusal.place is not None and refusal.place < len(numbers):
            refused = 1
            self._outbox.refuse(session_id, [numbers[refusal.place]], reason=reason)
        elif refusal.status == 404 or len(numbers) == 1:
            refused = len(numbers)
            self._outbox.refuse(session_id, numbers, reason=reason)
        else:
            self._most = max(1, len(numbers) // 2)
            return
        logger.error(
            "%s refuses %d remarks or changes of session %s for good, and they are set aside in %s, see list_refused(): %s",
            self._site.name,
            refused,
            session_id,
            self._outbox.path,
            reason,
        )

    def _note(self, error: Exception) -> float:
        """Tell, and return how many seconds to leave the site alone."""
        if self._failure is None:
            self._failing_since = time.monotonic()
        self._failure = error
        if not isinstance(error, StorageError):
            logger.error("Sending what waits for %s failed; it is tried again.", self._site.name, exc_info=error)
        else:
            self._trouble.note(error, waiting=self._count_waiting())
        if isinstance(error, StorageDenied):
            return DENIED_PAUSE_SECONDS
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        # Jitter: programs that lost a site together must not all come back together.
        return max(random.uniform(pause / 2, pause), error.retry_after if isinstance(error, Away) else 0)  # noqa: S311

    def _count_waiting(self) -> int | None:
        try:
            return self._outbox.count().waiting
        except StorageError:  # the queue itself is in trouble, which was told or is being told
            return None

    async def _rest(self, seconds: float) -> None:
        """Leave the site alone; news change nothing, but the end of the program is worth another attempt."""
        if self._closing.is_set():
            await asyncio.sleep(min(seconds, LONGEST_CLOSING_PAUSE_SECONDS))
        else:
            await _wait(self._closing, seconds)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # the other way for a rest to end
