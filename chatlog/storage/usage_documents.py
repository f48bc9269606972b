"""The figures of a day as they are kept, the same on every store. The only owner of their key names.

They can be thrown away at any time and counted anew. A change of this form changes `FORM`, so that what was kept before is
counted anew and not misread.
"""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import Any

from chatlog.domain.models import SessionStatus
from chatlog.domain.usage import AgentDay, UsageDay

FORM = 1

JsonDocument = dict[str, Any]
_COLUMNS = ("quarters", "messages", "lengths")
_TOKENS = ("prompt_tokens", "completion_tokens")


def usage_day_to_document(figures: UsageDay) -> JsonDocument:
    """The document of a day, small because it is read far more often than written: pairs are flat, unknown tokens left out."""
    return {
        "form": FORM,
        "day": figures.day.isoformat(),
        "outcomes": [[quarter, status.value, count] for quarter, status, count in figures.outcomes],
        "agents": {name: _agent_to_document(agent) for name, agent in figures.agents.items()},
    }


def usage_day_from_document(document: JsonDocument) -> UsageDay | None:
    """The figures in a document; `None` if it has another form than this version's."""
    if document.get("form") != FORM:
        return None
    return UsageDay(
        day=date.fromisoformat(document["day"]),
        outcomes=tuple((quarter, SessionStatus(status), count) for quarter, status, count in document["outcomes"]),
        agents={name: _agent_from_document(agent) for name, agent in sorted(document["agents"].items())},
    )


def _agent_to_document(agent: AgentDay) -> JsonDocument:
    return {
        "sessions": list(chain.from_iterable(agent.sessions)),
        **{name: list(getattr(agent, name)) for name in _COLUMNS},
        **{name: list(getattr(agent, name)) for name in _TOKENS if any(getattr(agent, name))},
    }


def _agent_from_document(document: JsonDocument) -> AgentDay:
    sessions = document["sessions"]
    unknown = (0,) * len(document["quarters"])
    return AgentDay(
        sessions=tuple(zip(sessions[::2], sessions[1::2], strict=True)),
        **{name: tuple(document[name]) for name in _COLUMNS},
        **{name: tuple(document.get(name, unknown)) for name in _TOKENS},
    )
