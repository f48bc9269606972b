"""A store that counts everything anew each time it is asked: what figures of use must come out as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from chatlog.domain import limits
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Message, Session
from chatlog.domain.usage import UsageDay, UsageTally, check_stretch
from chatlog.storage.base import SessionPage


@dataclass(slots=True)
class MemoryUsage:
    """Sessions and remarks in two lists. It does not page: a list is its first page, and never counted."""

    sessions: Sequence[Session] = ()
    messages: Sequence[Message] = ()
    asked: list[tuple[date, date]] = field(default_factory=list)

    async def list_usage(self, *, since: date, until: date) -> list[UsageDay]:
        check_stretch(since, until)
        self.asked.append((since, until))
        tallies: dict[date, UsageTally] = {}
        for session in self.sessions:
            day = session.created_at.astimezone(UTC).date()
            tallies.setdefault(day, UsageTally(day)).add_session(
                created_at=session.created_at, status=session.status, participants=session.participants
            )
        for message in self.messages:
            day = message.timestamp.astimezone(UTC).date()
            tallies.setdefault(day, UsageTally(day)).add_message(
                timestamp=message.timestamp,
                source=message.source,
                letters=len(message.content),
                models_usage=message.models_usage,
            )
        days = [tallies[day].close() for day in sorted(tallies) if since <= day < until]
        return [day for day in days if day is not None]

    async def list_busiest(self, *, since: datetime, until: datetime, limit: int = 10) -> list[Session]:
        limits.check_limit(limit)
        begun = [session for session in self.sessions if since <= session.created_at < until]
        return sorted(begun, key=lambda session: (session.message_count, session.created_at), reverse=True)[:limit]

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, where: SessionFilter = EVERYTHING
    ) -> SessionPage:
        assert cursor is None
        now = utc_now()
        found = [session for session in self.sessions if where.accepts(session, now=now)]
        found.sort(key=lambda session: (session.created_at, session.session_id), reverse=True)
        return SessionPage(tuple(found[:limit]), "more" if len(found) > limit else None)
