"""The newest messages of one session as events, for all programs in this process that follow it.

Pages are pushed to, because they acknowledge what they took. A program acknowledges nothing: it is woken, and takes what it has
room for, so that what waits for it is never more than what it is being sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session, SessionStatus
from chatlog.errors import SessionNotFound, StorageError
from chatlog.services.browsing import without_hole
from chatlog.services.describing import describe_message, describe_session
from chatlog.services.pausing import pause_after
from chatlog.storage.base import SessionStore
from dashboard.feeds.pages import READ_SECONDS
from dashboard.programs.json_bodies import to_json

logger = logging.getLogger(__name__)
# Who comes back after a moment finds what it missed here; who was away for longer reads the store.
KEPT_EVENTS = 200
KEPT_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024
PIECE_MESSAGES = 50
FIRST_MESSAGES = 4  # are read before anything is known of their size: each may have a megabyte
READ_AGAIN_SECONDS = 1.0
POLL_SECONDS = 1.0
POLL_FINISHED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Some events that follow each other; `last` is the sequence they lead up to, `next_read` how many to read after them."""

    data: bytes
    last: int
    next_read: int = FIRST_MESSAGES


class SessionTail:
    """Attributes:
    cursor: the newest sequence it has seen, -1 before its first look.
    news: what the session itself looks like, as an event; empty before its first look.
    reason: why it is over; empty while it is not.
    """

    def __init__(self, session_id: str, *, store: SessionStore) -> None:
        self.session_id = session_id
        self.cursor = -1
        self.news = b""
        self.reason = ""
        self._store = store
        self._session: Session | None = None
        self._headline: tuple[object, ...] = ()
        self._events: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._followers: set[asyncio.Event] = set()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def is_followed(self) -> bool:
        return bool(self._followers)

    def wake(self) -> None:
        """Something may have changed."""
        self._wake.set()

    def join(self, follower: asyncio.Event) -> None:
        """Set the event whenever there may be something to take."""
        self._followers.add(follower)

    def leave(self, follower: asyncio.Event) -> None:
        self._followers.discard(follower)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def take(self, *, after: int, to_read: int = FIRST_MESSAGES) -> Piece | None:
        """What comes after a cursor, at most about 64 kB unless one message is larger; `None` if nothing does so far.

        Args:
            to_read: how many messages, if the cursor is older than what is kept.
        Raises `StorageError`, `TimeoutError` for cursors that are older than what is kept.
        """
        if after >= self.cursor:
            return None
        if not self._events or after + 1 < self._events[0][0]:
            messages = await self._read(after=after, limit=to_read)
            return _cut((message.sequence, _event(message)) for message in messages)
        # Sequences have no hole, so the place of each is known.
        start = after + 1 - self._events[0][0]
        return _cut(self._events[place] for place in range(start, min(start + PIECE_MESSAGES, len(self._events))))

    async def _run(self) -> None:
        failures = 0
        read_at = float("-inf")
        loop = asyncio.get_running_loop()
        while not self.reason:
            self._wake.clear()  # before reading: what is stored from here on wakes us again
            try:
                if loop.time() - read_at >= READ_AGAIN_SECONDS:
                    await self._read_session()
                    read_at = loop.time()
                await self._read_on()
                failures = 0
            except SessionNotFound:
                self._end("deleted")
            except (StorageError, TimeoutError) as error:
                failures += 1
                logger.warning("Session %s could not be followed (%s); trying again.", self.session_id, error)
                await asyncio.sleep(pause_after(failures))
            except Exception:  # one broken message must not end the stream without a word to its followers
                logger.exception("Session %s could not be followed.", self.session_id)
                self._end("failed")
            else:
                await self._wait()

    async def _wait(self) -> None:
        is_active = self._session is None or self._session.status is SessionStatus.ACTIVE
        try:
            async with asyncio.timeout(POLL_SECONDS if is_active else POLL_FINISHED_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass  # the poll: also without a hint we look

    async def _read_session(self) -> None:
        async with asyncio.timeout(READ_SECONDS):
            session = await self._store.get_session(self.session_id)
        if self._session is not None and session.created_at != self._session.created_at:
            return self._end("made anew")
        self._session = session
        headline = (session.state(utc_now()), session.title, session.tags, session.participants)
        if headline != self._headline:
            self._headline = headline
            self.news = b"event: session\ndata: " + to_json(describe_session(session)) + b"\n\n"
            self._tell()
        return None

    async def _read_on(self) -> None:
        if self.cursor < 0:
            await self._find_start()
        while messages := await self._read(after=self.cursor, limit=PIECE_MESSAGES):
            await self._keep_all(messages)

    async def _find_start(self) -> None:
        async with asyncio.timeout(READ_SECONDS):
            newest = await self._store.list_messages_before(self.session_id, limit=PIECE_MESSAGES)
        self.cursor = newest[0].sequence - 1 if newest else 0
        await self._keep_all(without_hole(newest, after=self.cursor))

    async def _read(self, *, after: int, limit: int) -> list[Message]:
        async with asyncio.timeout(READ_SECONDS):
            found = await self._store.list_messages(self.session_id, after=after, limit=limit)
        return list(without_hole(found, after=after))

    async def _keep_all(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._keep(message)
            await asyncio.sleep(0)  # a large one takes milliseconds; nobody else waits for all of them
        self._tell()

    def _keep(self, message: Message) -> None:
        event = _event(message)
        self._events.append((message.sequence, event))
        self._size += len(event)
        self.cursor = message.sequence
        while len(self._events) > KEPT_EVENTS or (self._size > KEPT_BYTES and len(self._events) > 1):
            self._size -= len(self._events.popleft()[1])

    def _end(self, reason: str) -> None:
        self.reason = reason
        self._tell()

    def _tell(self) -> None:
        for follower in self._followers:
            follower.set()


def _event(message: Message) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (message.sequence, to_json(describe_message(message)))


def _cut(events: Iterable[tuple[int, bytes]]) -> Piece | None:
    """The first of the events. The others are not made, if they are made only when they are asked for."""
    pieces: list[bytes] = []
    last = size = 0
    for sequence, event in events:
        if pieces and size + len(event) > PIECE_BYTES:
            break
        pieces.append(event)
        last, size = sequence, size + len(event)
    return Piece(b"".join(pieces), last, next_read=min(2 * len(pieces), PIECE_MESSAGES)) if pieces else None
