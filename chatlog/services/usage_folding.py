"""Days of UTC put together to days of a zone, hours of the week, and sums by agent."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any

from chatlog.domain.clock import midnight
from chatlog.domain.models import SessionStatus
from chatlog.domain.usage import QUARTER, QUARTERS, AgentDay, UsageDay
from chatlog.services.usage_range import UsageRange

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_WEEK_HOURS = 7 * 24
_FIRST, _SECOND = itemgetter(0), itemgetter(1)


@dataclass(slots=True)
class AgentSum:
    """What one agent did in all the days.

    Attributes:
        lengths: how many of its remarks have so many letters.
    """

    sessions: int = 0
    messages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    lengths: Counter[int] = field(default_factory=Counter)

    def copy(self) -> AgentSum:
        """Another one that goes on by itself."""
        return replace(self, lengths=self.lengths.copy())

    def measure(self) -> tuple[int, float | None]:
        """All letters together, and the median of the remarks' lengths: exact, `None` without a remark."""
        lengths = sorted(self.lengths)
        letters = sum(length * self.lengths[length] for length in lengths)
        upto = list(accumulate(self.lengths[length] for length in lengths))
        if not upto:
            return letters, None
        # With an even number of remarks there are two in the middle.
        lower, upper = (lengths[bisect_left(upto, place)] for place in ((upto[-1] + 1) // 2, upto[-1] // 2 + 1))
        return letters, (lower + upper) / 2


class UsageFold:
    """Figures of the days of a range.

    A quarter-hour belongs to the day in which it begins, and to the hour that clocks show then.

    Attributes:
        messages: of each day of the range, by agent; who said nothing is left out.
        outcomes: the sessions that began on each day, by the status they have now; what is none is left out.
        hours: messages by hour of the week, Monday from 0:00 on first; 168 of them.
        agents: everybody who spoke or takes part in a session that began.
    """

    def __init__(self, stretch: UsageRange) -> None:
        days = stretch.days
        self._zone = stretch.zone
        self._starts = [_first_quarter(midnight(day, stretch.zone)) for day in days] + [_first_quarter(stretch.until)]
        self.messages: list[dict[str, int]] = [{} for _ in days]
        self.outcomes: list[dict[SessionStatus, int]] = [{} for _ in days]
        self.hours = [0] * _WEEK_HOURS
        self.agents: defaultdict[str, AgentSum] = defaultdict(AgentSum)

    def add(self, days: Iterable[UsageDay]) -> None:
        """Add UTC days, each once; what of them lies outside the range is left out."""
        for figures in days:
            pieces = list(self._cut(figures.day.toordinal() * QUARTERS))
            if not pieces:
                continue
            for day, begin, end in pieces:
                self._add_outcomes(figures, self.outcomes[day], begin, end)
            hours = _hours_of_week(figures.day, self._zone)
            for name, agent in figures.agents.items():
                self._add_agent(name, agent, pieces, hours)

    def copy(self) -> UsageFold:
        """Another one that goes on by itself."""
        twin = copy(self)
        twin.messages, twin.outcomes = [counts.copy() for counts in self.messages], [counts.copy() for counts in self.outcomes]
        twin.hours = self.hours.copy()
        twin.agents = defaultdict(AgentSum, ((name, total.copy()) for name, total in self.agents.items()))
        return twin

    def _cut(self, start: int) -> Iterator[tuple[int, int, int]]:
        """Which quarters of a UTC day belong to which days of the range: (day, first quarter, quarter after the last)."""
        day = max(0, bisect_right(self._starts, start) - 1)
        for number, (begin, end) in enumerate(pairwise(self._starts[day:]), day):
            if begin >= start + QUARTERS:
                return
            first, last = max(begin - start, 0), min(end - start, QUARTERS)
            if first < last:
                yield number, first, last

    @staticmethod
    def _add_outcomes(figures: UsageDay, counts: dict[SessionStatus, int], begin: int, end: int) -> None:
        for _, status, count in figures.outcomes[_slice(figures.outcomes, begin, end, key=_FIRST)]:
            counts[status] = counts.get(status, 0) + count

    def _add_agent(self, name: str, agent: AgentDay, pieces: list[tuple[int, int, int]], hours: tuple[int, ...]) -> None:
        said = 0
        for day, begin, end in pieces:
            count = sum(agent.messages[_slice(agent.quarters, begin, end)])
            if count:
                self.messages[day][name] = self.messages[day].get(name, 0) + count
                said += count
        # The pieces follow each other without a gap.
        begin, end = pieces[0][1], pieces[-1][2]
        sessions = sum(map(_SECOND, agent.sessions[_slice(agent.sessions, begin, end, key=_FIRST)]))
        if not sessions and not said:
            return
        total = self.agents[name]
        part = _slice(agent.quarters, begin, end)
        left_out = sum(agent.messages[: part.start])
        total.sessions += sessions
        total.messages += said
        total.prompt_tokens += sum(agent.prompt_tokens[part])
        total.completion_tokens += sum(agent.completion_tokens[part])
        total.lengths.update(agent.lengths[left_out : left_out + said])
        counts = self.hours
        for quarter, count in zip(agent.quarters[part], agent.messages[part], strict=True):
            counts[hours[quarter]] += count


def _slice(quarters: Sequence[Any], begin: int, end: int, *, key: Callable[[Any], int] | None = None) -> slice:
    """Where the quarters from `begin` up to, but not including, `end` lie."""
    return slice(bisect_left(quarters, begin, key=key), bisect_left(quarters, end, key=key))


def _first_quarter(moment: datetime) -> int:
    """The first quarter-hour that begins at this moment or later, as a number that goes on from day to day."""
    return -((_BEGINNING - moment) // QUARTER) + _BEGINNING.toordinal() * QUARTERS


def _hours_of_week(day: date, zone: tzinfo) -> tuple[int, ...]:
    """Which hour of a zone's week, 0 to 167, each quarter of a UTC day lies in."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    before, after = (moment.astimezone(zone).utcoffset() for moment in (start, start + timedelta(days=1)))
    # No zone has ever changed its clocks twice within one day of UTC. Source: the IANA time zone database
    if before is not None and before == after:
        return _hours_at(day.weekday(), before // timedelta(seconds=1))
    return tuple(_hour_of(start + number * QUARTER, zone) for number in range(QUARTERS))


@lru_cache(maxsize=256)
def _hours_at(weekday: int, offset: int) -> tuple[int, ...]:
    """The same where clocks are `offset` seconds ahead of UTC all day."""
    return tuple((weekday * 86_400 + number * 900 + offset) // 3_600 % _WEEK_HOURS for number in range(QUARTERS))


def _hour_of(moment: datetime, zone: tzinfo) -> int:
    there = moment.astimezone(zone)
    return there.weekday() * 24 + there.hour
