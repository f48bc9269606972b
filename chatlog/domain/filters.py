"""Which sessions and which remarks are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chatlog.domain.models import Message, Session, SessionState
from chatlog.domain.search import Term, matches
from chatlog.domain.text import search_form


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions a list shows. What is empty does not matter; all that is given must hold.

    Attributes:
        states: any of them.
        agents: each of them takes part.
        tags: each of them is on the session.
        since: something still went on in it at this time or later.
        until: it began before this time. With `since`: the sessions that overlap the time between.
        must_begin_since: it also began at `since` or later. With `until`: the sessions that began in the time between.
        terms: each of them occurs in the title and task.
    """

    states: frozenset[SessionState] = frozenset()
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    must_begin_since: bool = False
    terms: tuple[Term, ...] = ()

    def accepts(self, session: Session, *, now: datetime) -> bool:
        """The rule itself; stores may ask in their own way, with the same outcome."""
        return (
            (not self.states or session.state(now) in self.states)
            and set(self.agents) <= set(session.participants)
            and set(self.tags) <= set(session.tags)
            and (self.since is None or self._since_of(session) >= self.since)
            and (self.until is None or session.created_at < self.until)
            and matches(self.terms, session.headline_form)
        )

    def _since_of(self, session: Session) -> datetime:
        return session.created_at if self.must_begin_since else session.last_activity_at


EVERYTHING = SessionFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """Which remarks are searched for. A session's title and task count as a remark without a speaker, made at its start.

    Attributes:
        terms: each of them occurs in the remark.
        agents: any of them said it.
        states: of the session, any of them.
        tags: of the session, each of them.
        since: it was said at this time or later.
        until: it was said before this time.
    """

    terms: tuple[Term, ...]
    agents: tuple[str, ...] = ()
    states: frozenset[SessionState] = frozenset()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def accepts_session(self, session: Session, *, now: datetime) -> bool:
        """Whether remarks of this session are looked for at all."""
        return (not self.states or session.state(now) in self.states) and set(self.tags) <= set(session.tags)

    def accepts_message(self, message: Message) -> bool:
        """Whether this remark is searched for, if its session is."""
        return (
            (not self.agents or message.source in self.agents)
            and self._is_in_time(message.timestamp)
            and matches(self.terms, search_form(message.content))
        )

    def accepts_headline(self, session: Session) -> bool:
        """Whether the session's title and task are searched for, if the session is. Nobody said them: no agent matches."""
        return not self.agents and self._is_in_time(session.created_at) and matches(self.terms, session.headline_form)

    def _is_in_time(self, moment: datetime) -> bool:
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)
