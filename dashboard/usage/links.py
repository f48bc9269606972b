"""Addresses of the list of sessions, with those that are behind a figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from chatlog.domain.models import SessionState, SessionStatus
from dashboard.usage.spans import Span

# An active session is one or the other, by how long it has been silent.
_STATES = {
    SessionStatus.ACTIVE: (SessionState.RUNNING, SessionState.STALLED),
    SessionStatus.COMPLETED: (SessionState.COMPLETED,),
    SessionStatus.FAILED: (SessionState.FAILED,),
    SessionStatus.CANCELLED: (SessionState.CANCELLED,),
}


@dataclass(frozen=True, slots=True)
class SessionLinks:
    """Leads to lists of sessions, by days of one zone."""

    zone: str

    def began(self, span: Span, *, status: SessionStatus | None = None, agent: str | None = None) -> str:
        """Those that began on these days and have this status now, in which this agent takes part."""
        return _list(status=status, agent=agent, days=span, more=[("began", "1"), ("tz", self.zone)])

    def went_on(self, span: Span, *, agent: str | None = None) -> str:
        """Those in which something was said on these days, and those that were silent then between two remarks."""
        return _list(agent=agent, days=span, more=[("tz", self.zone)])


def running_link() -> str:
    """The sessions that run now."""
    return f"{reverse('session-list')}?status={SessionState.RUNNING}"


def _list(*, days: Span, more: Iterable[tuple[str, str]], status: SessionStatus | None = None, agent: str | None = None) -> str:
    values = [("status", state.value) for state in _STATES[status]] if status else []
    if agent is not None:
        values.append(("agent", agent))
    values += [("from", days.first.isoformat()), ("to", days.last.isoformat()), *more]
    return f"{reverse('session-list')}?{urlencode(values)}"
