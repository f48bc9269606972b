"""Addresses of the list of sessions, with those that are behind a figure."""

from __future__ import annotations

from urllib.parse import quote_plus

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


class SessionLinks:
    """Leads to lists of sessions, by days of one zone. There are hundreds on a page: what they share is written once."""

    def __init__(self, zone: str) -> None:
        self._list = f"{reverse('session-list')}?"
        self._zone = f"&tz={quote_plus(zone)}"
        self._states = {status: "".join(f"status={state}&" for state in states) for status, states in _STATES.items()} | {
            None: ""
        }
        self._agents: dict[str | None, str] = {None: ""}

    def began(self, span: Span, *, status: SessionStatus | None = None, agent: str | None = None) -> str:
        """Those that began on these days and have this status now, in which this agent takes part."""
        return f"{self._list}{self._states[status]}{self._of(agent)}from={span.first}&to={span.last}&began=1{self._zone}"

    def went_on(self, span: Span, *, agent: str | None = None) -> str:
        """Those in which something was said on these days, and those that were silent then between two remarks."""
        return f"{self._list}{self._of(agent)}from={span.first}&to={span.last}{self._zone}"

    def _of(self, agent: str | None) -> str:
        if agent not in self._agents:
            self._agents[agent] = f"agent={quote_plus(agent or '')}&"
        return self._agents[agent]


def running_link() -> str:
    """The sessions that run now."""
    return f"{reverse('session-list')}?status={SessionState.RUNNING}"
