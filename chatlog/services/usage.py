"""Use case: tell how much goes on, who talks, and how it ended, day by day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypedDict

from chatlog.domain import limits
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import Session, SessionState, SessionStatus
from chatlog.domain.usage import UsageDay
from chatlog.services.usage_folding import AgentSum, UsageFold
from chatlog.services.usage_folds import Folds
from chatlog.services.usage_range import UsageRange
from chatlog.storage.base import SessionStore

MOST_BUSIEST = 10
# Folding so many remarks takes some milliseconds; of more, a thread does it.
LONG_MESSAGES = 50_000
_folds = Folds()
_RUNNING = SessionFilter(states=frozenset({SessionState.RUNNING}))


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """How much went on in some days.

    Attributes:
        sessions: how many began.
        messages: how many remarks were said, also in sessions that began earlier.
        agents: how many of them spoke, or take part in a session that began.
    """

    sessions: int
    messages: int
    agents: int

    @property
    def messages_per_session(self) -> float | None:
        """Remarks for each session that began; `None` if none did."""
        return self.messages / self.sessions if self.sessions else None


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One day.

    Attributes:
        messages: by agent; who said nothing is not in it.
        sessions: how many began, by the status they have now; every status is in it.
    """

    day: date
    messages: Mapping[str, int]
    sessions: Mapping[SessionStatus, int]


@dataclass(frozen=True, slots=True)
class AgentUsage:
    """One agent in all the days.

    Attributes:
        sessions: how many began in which it takes part.
        messages: how many remarks it said.
        letters: how many characters they have.
        share: its part of the letters of all, 0 to 1; `None` if nobody wrote any.
        median_length: half of its remarks are not longer, half not shorter; `None` without a remark.
        prompt_tokens: what its remarks cost to ask for, as far as they say; `None` if none does.
        completion_tokens: what they cost to be written, likewise.
    """

    name: str
    sessions: int
    messages: int
    letters: int
    share: float | None
    median_length: float | None
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What went on in the days of a range.

    Attributes:
        made_at: when it was asked for.
        before: the same of as many days just before.
        running: sessions that run now, whenever they began. A store that does not count counts to 1,000 here: 1,000 means
            that many or more.
        days: each day of the range, in order, also those without anything.
        hours: messages by weekday, Monday first, and by the hour that clocks show in the range's zone: 7 of 24.
        agents: the one with the most messages first, of two with as many by name.
        busiest: of the sessions that began, the ten with the most messages.
    """

    range: UsageRange
    made_at: datetime
    totals: UsageTotals
    before: UsageTotals
    running: int
    days: tuple[DayUsage, ...]
    hours: tuple[tuple[int, ...], ...]
    agents: tuple[AgentUsage, ...]
    busiest: tuple[Session, ...]


async def get_usage_report(store: SessionStore, stretch: UsageRange, *, now: datetime) -> UsageReport:
    """What went on in those days, as it stands `now`. Raises `StorageError`."""
    base = stretch.before()
    days, busiest, running = await asyncio.gather(
        list_days(store, since=base.since, until=stretch.until),
        _list_busiest(store, stretch),
        store.list_sessions(where=_RUNNING, limit=limits.MAX_LIST_LIMIT),
    )
    is_long = sum(len(agent.lengths) for day in days for agent in day.agents.values()) > LONG_MESSAGES
    figures = await asyncio.to_thread(_fold, days, stretch) if is_long else _fold(days, stretch)
    count = len(running.items) if running.total is None else running.total
    return UsageReport(range=stretch, made_at=now, running=count, busiest=tuple(busiest), **figures)


async def list_days(store: SessionStore, *, since: datetime, until: datetime) -> list[UsageDay]:
    """The figures of the UTC days that have a part of that time, however many they are. Raises `StorageError`."""
    day, end = since.date(), (until + timedelta(days=1, microseconds=-1)).date()
    days: list[UsageDay] = []
    while day < end:
        stop = min(end, day + timedelta(days=limits.MAX_USAGE_DAYS))
        days += await store.list_usage(since=day, until=stop)
        day = stop
    return days


async def _list_busiest(store: SessionStore, stretch: UsageRange) -> list[Session]:
    since, until = stretch.since, stretch.until
    if since == until:  # only days that the zone's calendar left out
        return []
    return await store.list_busiest(since=since, until=until, limit=MOST_BUSIEST)


class _Figures(TypedDict):
    totals: UsageTotals
    before: UsageTotals
    days: tuple[DayUsage, ...]
    hours: tuple[tuple[int, ...], ...]
    agents: tuple[AgentUsage, ...]


def _fold(days: Sequence[UsageDay], stretch: UsageRange) -> _Figures:
    base, fold = _folds.fold(days, stretch.before()), _folds.fold(days, stretch)
    return _Figures(
        totals=_total(fold),
        before=_total(base),
        days=tuple(map(_make_day, stretch.days, fold.messages, fold.outcomes)),
        hours=tuple(tuple(fold.hours[start : start + 24]) for start in range(0, 7 * 24, 24)),
        agents=_list_agents(fold),
    )


def _total(fold: UsageFold) -> UsageTotals:
    sessions = sum(sum(counts.values()) for counts in fold.outcomes)
    return UsageTotals(sessions, sum(fold.hours), len(fold.agents))


def _make_day(day: date, messages: Mapping[str, int], outcomes: Mapping[SessionStatus, int]) -> DayUsage:
    return DayUsage(day, messages, {status: outcomes.get(status, 0) for status in SessionStatus})


def _list_agents(fold: UsageFold) -> tuple[AgentUsage, ...]:
    lengths = {name: total.measure() for name, total in fold.agents.items()}
    all_letters = sum(letters for letters, _ in lengths.values())
    found = [_make_agent(name, total, *lengths[name], all_letters) for name, total in fold.agents.items()]
    return tuple(sorted(found, key=lambda agent: (-agent.messages, agent.name)))


def _make_agent(name: str, total: AgentSum, letters: int, median: float | None, all_letters: int) -> AgentUsage:
    return AgentUsage(
        name=name,
        sessions=total.sessions,
        messages=total.messages,
        letters=letters,
        share=letters / all_letters if all_letters else None,
        median_length=median,
        prompt_tokens=total.prompt_tokens or None,
        completion_tokens=total.completion_tokens or None,
    )
