"""The numbers of a chart: for each bar how much of each kind. Picture, table and CSV file are all made from these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from chatlog.domain.models import SessionStatus
from chatlog.services.usage import DayUsage, UsageReport
from dashboard.usage.spans import Span, Step, choose_step, cut

# Of the palette's twelve colours, as many as can be told from each other in one bar.
MOST_AGENTS = 8
# At the bottom what fails: there bars are easiest to compare.
OUTCOMES = (SessionStatus.FAILED, SessionStatus.CANCELLED, SessionStatus.COMPLETED, SessionStatus.ACTIVE)

_Counts = Mapping[str, int] | Mapping[SessionStatus, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One bar: how much of each kind, in the order of the kinds."""

    span: Span
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """The whole bar."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Series:
    """All bars, in order.

    Attributes:
        kinds: what the parts of a bar are, from the bottom up: names of agents, `None` for all others; or statuses.
    """

    step: Step
    kinds: tuple[str | None, ...]
    rows: tuple[Row, ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """Of each kind, all bars together."""
        return tuple(sum(row.counts[place] for row in self.rows) for place in range(len(self.kinds)))

    @property
    def highest(self) -> int:
        """The largest bar."""
        return max((row.total for row in self.rows), default=0)


def messages_by_agent(report: UsageReport) -> Series:
    """Remarks per day by agent: those who said the most one by one, all others together."""
    speakers = [agent.name for agent in report.agents if agent.messages]
    # One more does not make a group.
    most = MOST_AGENTS if len(speakers) > MOST_AGENTS + 1 else MOST_AGENTS + 1
    named = speakers[:most]
    kinds: tuple[str | None, ...] = (*named, None) if len(speakers) > most else tuple(named)
    return _make_series(report.days, kinds, [day.messages for day in report.days])


def sessions_by_outcome(report: UsageReport) -> Series:
    """Sessions per day that they began on, by the status they have now."""
    return _make_series(report.days, OUTCOMES, [day.sessions for day in report.days])


def _make_series(days: Sequence[DayUsage], kinds: tuple[str | None, ...], counts: Iterable[_Counts]) -> Series:
    step = choose_step(len(days))
    left = iter(counts)
    rows = []
    for span in cut([day.day for day in days], step):
        total = Counter[str]()
        for found in islice(left, (span.last - span.first).days + 1):
            total.update(found)
        rows.append(Row(span, _pick(total, kinds)))
    return Series(step, kinds, tuple(rows))


def _pick(counts: Counter[str], kinds: tuple[str | None, ...]) -> tuple[int, ...]:
    others = counts.total() - sum(counts[kind] for kind in kinds if kind is not None)
    return tuple(others if kind is None else counts[kind] for kind in kinds)
