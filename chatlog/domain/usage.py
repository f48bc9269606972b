"""How much was said, by quarter-hours of UTC days: small enough to keep for years, fine enough to cut at any zone's midnight.

Every zone's time has differed from UTC by a multiple of a quarter of an hour since 1979 (until then Kiritimati's did not, and
until 1972 Monrovia's; there a day is cut at the quarter). Source: the IANA time zone database, https://www.iana.org/time-zones
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from chatlog.domain import limits
from chatlog.domain.models import JsonObject, SessionStatus
from chatlog.errors import InvalidInput

QUARTER = timedelta(minutes=15)
QUARTERS = 96  # of a day

# As AutoGen's RequestUsage names them; the importers bring other frameworks' figures into this form.
PROMPT_TOKENS = "prompt_tokens"
COMPLETION_TOKENS = "completion_tokens"


@dataclass(frozen=True, slots=True)
class AgentDay:
    """What one agent did on one UTC day. Quarters are numbered 0 to 95 and come in order; those without anything are left out.

    Attributes:
        sessions: (quarter, how many sessions began then in which the agent takes part).
        quarters: those in which the agent said something; the next three have a figure for each.
        messages: how many remarks.
        prompt_tokens: what the remarks cost to ask for, as far as it is known.
        completion_tokens: what they cost to be written, as far as it is known.
        lengths: the letters (characters) of each remark: quarter after quarter, in each the shortest first.
    """

    sessions: tuple[tuple[int, int], ...] = ()
    quarters: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()
    prompt_tokens: tuple[int, ...] = ()
    completion_tokens: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What went on in one UTC day, in sessions that are not deleted.

    A remark counts when it was said, a session when it began: by its status as it is now.

    Attributes:
        outcomes: (quarter, status, how many sessions began then that have this status now), in order; none is 0.
        agents: by name, in the order of names: everybody who spoke, or takes part in a session that began then.
    """

    day: date
    outcomes: tuple[tuple[int, SessionStatus, int], ...] = ()
    agents: Mapping[str, AgentDay] = field(default_factory=dict)


class UsageTally:
    """Counts the sessions and remarks of one UTC day."""

    def __init__(self, day: date) -> None:
        self.day = day
        self._outcomes: defaultdict[tuple[int, SessionStatus], int] = defaultdict(int)
        self._agents: defaultdict[str, _AgentTally] = defaultdict(_AgentTally)

    def add_session(self, *, created_at: datetime, status: SessionStatus, participants: Iterable[str]) -> None:
        """Count a session that began on this day."""
        quarter = quarter_of(created_at)
        self._outcomes[quarter, status] += 1
        for name in participants:
            self._agents[name].sessions[quarter] += 1

    def add_message(self, *, timestamp: datetime, source: str, letters: int, models_usage: JsonObject | None) -> None:
        """Count a remark that was said on this day. `letters` are its characters, as Python counts them."""
        agent = self._agents[source]
        quarter = quarter_of(timestamp)
        agent.lengths[quarter].append(letters)
        if models_usage:
            agent.prompt_tokens[quarter] += tokens_in(models_usage, PROMPT_TOKENS)
            agent.completion_tokens[quarter] += tokens_in(models_usage, COMPLETION_TOKENS)

    def close(self) -> UsageDay | None:
        """The figures of the day; `None` if there was nothing."""
        if not self._outcomes and not self._agents:
            return None
        outcomes = tuple((quarter, status, count) for (quarter, status), count in sorted(self._outcomes.items()))
        return UsageDay(self.day, outcomes, {name: agent.close() for name, agent in sorted(self._agents.items())})


class _AgentTally:
    __slots__ = ("completion_tokens", "lengths", "prompt_tokens", "sessions")

    def __init__(self) -> None:
        self.sessions: defaultdict[int, int] = defaultdict(int)
        self.lengths: defaultdict[int, list[int]] = defaultdict(list)
        self.prompt_tokens: defaultdict[int, int] = defaultdict(int)
        self.completion_tokens: defaultdict[int, int] = defaultdict(int)

    def close(self) -> AgentDay:
        quarters = tuple(sorted(self.lengths))
        return AgentDay(
            sessions=tuple(sorted(self.sessions.items())),
            quarters=quarters,
            messages=tuple(len(self.lengths[quarter]) for quarter in quarters),
            prompt_tokens=tuple(self.prompt_tokens.get(quarter, 0) for quarter in quarters),
            completion_tokens=tuple(self.completion_tokens.get(quarter, 0) for quarter in quarters),
            lengths=tuple(length for quarter in quarters for length in sorted(self.lengths[quarter])),
        )


def quarter_of(moment: datetime) -> int:
    """In which quarter-hour of its UTC day an aware time lies: 0 to 95."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)  # turning it takes longer than all the rest
    return in_utc.hour * 4 + in_utc.minute // 15


def tokens_in(models_usage: JsonObject, name: str) -> int:
    """How many tokens a remark names under `name`; 0 for anything that is no count, as frameworks may store what they like."""
    value = models_usage.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= limits.MAX_INTEGER else 0


def check_stretch(since: date, until: date) -> None:
    """Check that figures can be asked for from the UTC day `since` up to, but not including, `until`.

    Raises:
        InvalidInput: the stretch is empty, runs backwards, or has more than `limits.MAX_USAGE_DAYS` days.
    """
    days = (until - since).days
    if days < 1:
        raise InvalidInput("until", f"{until} is not after {since}; give the day after the last one.")
    if days > limits.MAX_USAGE_DAYS:
        raise InvalidInput("until", f"{since} to {until} are {days:,} days; the limit is {limits.MAX_USAGE_DAYS:,}.")
