"""Who talks how much: a row for each agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatlog.domain.hidden import show_hidden
from chatlog.services.usage import AgentUsage
from dashboard.speakers import Speaker, tell_apart
from dashboard.usage.links import SessionLinks
from dashboard.usage.scale import percent
from dashboard.usage.spans import Span
from dashboard.usage.wording import say_share


@dataclass(frozen=True, slots=True)
class AgentRow:
    """Figures as they are written; `bar` is the share as a width."""

    speaker: Speaker
    name: str
    sessions: str
    messages: str
    share: str
    bar: str
    median: str
    prompt_tokens: str
    completion_tokens: str
    address: str


def choose_speakers(agents: Sequence[AgentUsage], *, first: Sequence[str]) -> Mapping[str, Speaker]:
    """A colour for each agent: those in `first`, who stand in one chart, have different ones, and always the same."""
    names = [*sorted(first), *sorted({agent.name for agent in agents} - set(first))]
    return {speaker.name: speaker for speaker in tell_apart(names)}


def list_agents(
    agents: Sequence[AgentUsage], speakers: Mapping[str, Speaker], links: SessionLinks, whole: Span
) -> Iterator[AgentRow]:
    """Rows for the table, in the order of the agents."""
    for one in agents:
        yield AgentRow(
            speaker=speakers[one.name],
            name=show_hidden(one.name),
            sessions=f"{one.sessions:,}",
            messages=f"{one.messages:,}",
            share="–" if one.share is None else say_share(one.share, 1),
            bar=percent(100 * (one.share or 0)),
            median="–" if one.median_length is None else f"{one.median_length:,.1f}".removesuffix(".0"),
            prompt_tokens=_say_tokens(one.prompt_tokens),
            completion_tokens=_say_tokens(one.completion_tokens),
            address=links.began(whole, agent=one.name) if one.sessions else links.went_on(whole, agent=one.name),
        )


def _say_tokens(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
