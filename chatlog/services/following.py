"""Use case: follow what is said while it is said. The store is the truth; what it hints at only shortens the wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chatlog.domain.limits import MAX_LIST_LIMIT, check_sequence
from chatlog.domain.models import Message, Session, SessionStatus
from chatlog.errors import LASTING, StorageError, StorageUnavailable
from chatlog.services.browsing import without_hole
from chatlog.services.pausing import pause_after
from chatlog.storage.base import SessionReader

PAGE_MESSAGES = 200
# A store that has not answered by now is in trouble, and whoever watches is told so.
READ_SECONDS = 5.0
# Also without a hint we look.
LOOK_SECONDS = 1.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Begun:
    """A session is followed from here on; again, if it was made anew under the same id."""

    session: Session


@dataclass(frozen=True, slots=True)
class Said:
    """A message, and its session as it was known then."""

    session: Session
    message: Message


@dataclass(frozen=True, slots=True)
class Ended:
    """Everything of a session was told, and it is over: its status says how; `None` if it was deleted."""

    session: Session
    status: SessionStatus | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The store could not be read; attempts go on. An empty reason: it answers again."""

    reason: str


Event = Begun | Said | Ended | Trouble
Events = AsyncGenerator[Event, None]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the store found.

    Attributes:
        has_moved: there may be more already; look again at once.
        is_over: nothing more will come.
    """

    events: Sequence[Event]
    has_moved: bool
    is_over: bool = False


async def find_start(store: SessionReader, session_id: str, *, last: int) -> int:
    """The cursor before the last so many messages of a session. Raises `SessionNotFound`, `StorageError`."""
    return max(0, await answer_of(store.get_last_sequence(session_id)) - last)


async def find_end(store: SessionReader, session: Session) -> int:
    """The last sequence of a listed session: its count may be behind, so what follows it is looked at. Raises as `find_start`.

    Where the list has just told the count, that is one question, and none twice.
    """
    last = session.message_count
    while page := await answer_of(store.list_messages(session.session_id, after=last, limit=MAX_LIST_LIMIT)):
        last = page[-1].sequence
    return last


async def follow_session(store: SessionReader, session_id: str, *, after: int = 0, until_quiet: bool = False) -> Events:
    """Every message after a cursor, each once and in order, and what comes, until the session ends.

    Args:
        until_quiet: stop where there is nothing more so far. Without it, a store in trouble is waited for.
    Raises:
        SessionNotFound: there is no such session, or not any more.
        StorageError: the store cannot be read, and waiting will not help.
    """
    followed = _Followed(store, session_id, after=check_sequence(after))
    async for event in keep_looking(store, followed.look, until_quiet=until_quiet):
        yield event


class _Followed:
    def __init__(self, store: SessionReader, session_id: str, *, after: int) -> None:
        self._store = store
        self._session_id = session_id
        self._session: Session | None = None
        self._cursor = after

    async def look(self) -> Look:
        # Before its messages: an end that is seen here comes after all of them.
        session = await answer_of(self._store.get_session(self._session_id))
        known = self._session
        is_anew = known is not None and known.created_at != session.created_at
        cursor = 0 if is_anew else self._cursor
        messages = await read_on(self._store, session.session_id, after=cursor)
        # From here on nothing waits: what is told and what is known change together.
        self._session, self._cursor = session, cursor + len(messages)
        events: list[Event] = [Begun(session)] if known is None or is_anew else []
        events += [Said(session, message) for message in messages]
        is_over = not messages and session.status is not SessionStatus.ACTIVE
        if is_over:
            events.append(Ended(session, session.status))
        return Look(events, has_moved=bool(messages), is_over=is_over)


async def keep_looking(store: SessionReader, look: Callable[[], Awaitable[Look]], *, until_quiet: bool) -> Events:
    """The events of one look after another; a look that fails must have changed nothing. Raises as `follow_session`."""
    failures = 0
    while True:
        try:
            found = await look()
        except StorageError as error:
            if until_quiet or isinstance(error, LASTING):
                raise
            failures += 1
            if failures == 1:
                yield Trouble(str(error))
            await asyncio.sleep(pause_after(failures))
            continue
        if failures:
            failures = 0
            yield Trouble("")
        for event in found.events:
            yield event
        if found.is_over or (until_quiet and not found.has_moved):
            return
        if not found.has_moved:
            await _wait(store)


class MessageMissing(StorageUnavailable):
    """There are later messages than the next one, which is not there so far."""


async def read_on(store: SessionReader, session_id: str, *, after: int) -> Sequence[Message]:
    """Some messages after a cursor, without a hole. Raises `MessageMissing`, `StorageError`."""
    found = await answer_of(store.list_messages(session_id, after=after, limit=PAGE_MESSAGES))
    messages = without_hole(found, after=after)
    if found and not messages:
        raise MessageMissing(f"Session {session_id!r} has message {found[0].sequence}, and not yet {after + 1}.")
    return messages


async def answer_of(question: Awaitable[Result]) -> Result:
    """What the store answers. Raises `StorageUnavailable` if it takes too long."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await question
    except TimeoutError as error:
        raise StorageUnavailable(f"The store has not answered within {READ_SECONDS:g} s.") from error


async def _wait(store: SessionReader) -> None:
    try:
        async with asyncio.timeout(LOOK_SECONDS + READ_SECONDS):
            await store.wait_for_change(at_most=LOOK_SECONDS)
    except (StorageError, TimeoutError):  # the next look meets the same trouble, and tells
        await asyncio.sleep(LOOK_SECONDS)
