"""What a session's document does not tell yet of the messages that this process saved."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from chatlog.domain.activity import Activity
from chatlog.domain.models import Message, Session


@dataclass(frozen=True, slots=True)
class Pending:
    """When the messages were said that activity does not show yet, by their numbers: surely new ones, and perhaps old ones."""

    new: dict[int, datetime]
    found: dict[int, datetime]

    def missing_in(self, session: Session) -> list[datetime]:
        """Those that its figures cannot hold yet. Whoever stored what was found may have counted it."""
        found = {number: moment for number, moment in self.found.items() if number > session.message_count}
        return [*(found | self.new).values()]

    def behind(self, number: int) -> list[datetime]:
        """Those of messages with a higher number."""
        return [moment for key, moment in (self.found | self.new).items() if key > number]


@dataclass(slots=True)
class Figures:
    """Count, last time, speakers and moments of the messages that were saved."""

    _count: int = 0
    _last_at: datetime | None = None
    _speakers: dict[str, None] = field(default_factory=dict)
    _new: dict[int, datetime] = field(default_factory=dict)
    _found: dict[int, datetime] = field(default_factory=dict)

    def note(self, messages: Iterable[Message], *, new_ids: Container[str]) -> None:
        """Remember saved messages; `new_ids` are those that were not stored before."""
        for message in messages:
            self._count = max(self._count, message.sequence)
            self._last_at = message.timestamp if self._last_at is None else max(self._last_at, message.timestamp)
            self._speakers[message.source] = None
            moments = self._new if message.message_id in new_ids else self._found
            moments[message.sequence] = message.timestamp

    def pending(self) -> Pending:
        """What is to be added to the session's activity."""
        return Pending(dict(self._new), dict(self._found))

    def settle(self, pending: Pending) -> None:
        """Forget what was added."""
        for number in pending.new:
            del self._new[number]
        for number in pending.found:
            del self._found[number]

    def added_to(self, session: Session, pending: Pending) -> Session:
        """The session with figures that only grow: another writer may know of more."""
        return replace(
            session,
            message_count=max(session.message_count, self._count),
            last_message_at=self._latest(session.last_message_at),
            participants=tuple(dict.fromkeys((*session.participants, *self._speakers))),
            activity=session.activity.after(pending.missing_in(session), start=session.created_at),
        )

    def recounted(self, session: Session, spoken: Iterable[Message], pending: Pending) -> Session:
        """The session with the figures of all its messages, and of those saved since they were read."""
        messages = list(spoken)
        moments = [message.timestamp for message in messages]
        return replace(
            session,
            message_count=max(len(messages), self._count),
            last_message_at=self._latest(max(moments, default=None)),
            participants=tuple(dict.fromkeys((*session.participants, *(message.source for message in messages)))),
            activity=Activity().after([*moments, *pending.behind(len(messages))], start=session.created_at),
        )

    def _latest(self, moment: datetime | None) -> datetime | None:
        return max((time for time in (moment, self._last_at) if time is not None), default=None)
