"""Use case: who is talking now. Every session that goes on, with what its last remarks tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import Message, Session, SessionState, SessionStatus
from chatlog.domain.pace import Pace, measure_pace
from chatlog.storage.base import SessionStore

# As many as are still read from across a room.
MOST_SESSIONS = 24
# Enough for a habit and for a pace; a page of them is one read.
LAST_MESSAGES = 30
# How long a session that ended, and one that has gone silent without an end, stays in sight.
ENDED_FOR = timedelta(minutes=10)
STALLED_FOR = timedelta(hours=1)
_NEWEST = 50

_ACTIVE = frozenset({SessionState.RUNNING, SessionState.STALLED})


class Liveliness(StrEnum):
    """How a session looks from across the room."""

    RUNNING = "running"
    QUIET = "quiet"
    STALLED = "stalled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WatchedSession:
    """A session on the wall.

    Attributes:
        last: its last remark; `None` as long as nobody has spoken.
        is_unusual: it is silent for longer than it uses to be.
    """

    session: Session
    last: Message | None
    pace: Pace
    liveliness: Liveliness
    is_unusual: bool


@dataclass(frozen=True, slots=True)
class Wall:
    """Who is talking now.

    Attributes:
        sessions: those that go on, the newest first, then those that ended a short while ago.
        running: how many are heard of lately; of more than 24 that go on, those among the 24 newest.
        has_more: whether more go on than are shown.
        newest: the newest session of all, for a wall with nothing on it.
    """

    sessions: tuple[WatchedSession, ...]
    running: int
    has_more: bool
    newest: Session | None


class WallReader:
    """Reads the wall again and again; of a session that has not moved on since, nothing but its entry in the list."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._read: dict[str, tuple[int, list[Message]]] = {}

    async def read(self, *, now: datetime) -> Wall:
        """The wall at this moment. Raises `StorageError`."""
        active = SessionFilter(states=_ACTIVE, since=now - STALLED_FOR)
        going_on = (await self._store.list_sessions(limit=MOST_SESSIONS + 1, where=active)).items
        newest = (await self._store.list_sessions(limit=_NEWEST)).items
        shown = going_on[:MOST_SESSIONS]
        ended = await self._list_ended(shown, newest, now=now)
        watched = [await self._watch(session, now=now) for session in (*shown, *ended[: MOST_SESSIONS - len(shown)])]
        self._read = {one.session.session_id: self._read[one.session.session_id] for one in watched}
        return Wall(
            sessions=tuple(watched),
            running=sum(session.state(now) is SessionState.RUNNING for session in shown),
            has_more=len(going_on) > MOST_SESSIONS,
            newest=newest[0] if newest else None,
        )

    async def _list_ended(self, shown: Iterable[Session], newest: Iterable[Session], *, now: datetime) -> list[Session]:
        """Those of the newest, and of those that were on the wall, that ended a short while ago; the last one first."""
        known = {session.session_id for session in (*shown, *newest)}
        gone = [session_id for session_id in self._read if session_id not in known]
        others = await self._store.get_sessions(gone) if gone else []
        ended = [one for one in (*newest, *others) if _has_just_ended(one, now=now)]
        return sorted(ended, key=lambda session: session.updated_at, reverse=True)

    async def _watch(self, session: Session, *, now: datetime) -> WatchedSession:
        messages = await self._read_last(session)
        pace = measure_pace(messages, began_at=session.created_at, now=now)
        # The session's own figures may lag behind its messages.
        last = messages[-1] if messages else None
        silence = session.silence(now) if last is None else min(session.silence(now), now - last.timestamp)
        liveliness = _liveliness(session, pace, silence, now=now)
        is_unusual = liveliness in {Liveliness.QUIET, Liveliness.STALLED} and pace.is_beyond_habit(silence)
        return WatchedSession(session, last, pace, liveliness, is_unusual)

    async def _read_last(self, session: Session) -> Sequence[Message]:
        count, messages = self._read.get(session.session_id, (-1, []))
        if count != session.message_count:
            messages = await self._store.list_messages_before(session.session_id, limit=LAST_MESSAGES)
            self._read[session.session_id] = session.message_count, messages
        return messages


def _has_just_ended(session: Session, *, now: datetime) -> bool:
    return session.status is not SessionStatus.ACTIVE and now - session.updated_at < ENDED_FOR


def _liveliness(session: Session, pace: Pace, silence: timedelta, *, now: datetime) -> Liveliness:
    match session.state(now):
        case SessionState.RUNNING:
            return Liveliness.QUIET if pace.is_quiet(silence) else Liveliness.RUNNING
        case SessionState.STALLED:
            return Liveliness.STALLED
    return Liveliness.ENDED
