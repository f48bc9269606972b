"""What is put together once stays right when days change, come and go."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatlog.domain.models import SessionStatus
from chatlog.domain.usage import UsageDay, UsageTally
from chatlog.services import usage_folds
from chatlog.services.usage_folding import UsageFold
from chatlog.services.usage_folds import Folds
from chatlog.services.usage_range import UsageRange

FIRST = date(2026, 11, 1)
WEEK = UsageRange(FIRST, FIRST + timedelta(days=6), ZoneInfo("Asia/Tokyo"))


def make_day(number: int, rng: random.Random) -> UsageDay:
    day = FIRST + timedelta(days=number)
    tally = UsageTally(day)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for _ in range(1 + rng.randrange(20)):
        moment = start + timedelta(minutes=rng.randrange(1440))
        usage = {"prompt_tokens": rng.randrange(9)}
        tally.add_message(timestamp=moment, source=rng.choice("abc"), letters=rng.randrange(1, 9), models_usage=usage)
        tally.add_session(created_at=moment, status=rng.choice(list(SessionStatus)), participants=rng.sample("abc", 2))
    closed = tally.close()
    assert closed is not None
    return closed


def figures(fold: UsageFold) -> object:
    return fold.messages, fold.outcomes, fold.hours, {name: (agent, agent.measure()) for name, agent in fold.agents.items()}


def fresh(days: list[UsageDay], stretch: UsageRange = WEEK) -> object:
    fold = UsageFold(stretch)
    fold.add(days)
    return figures(fold)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many days were put together, each time some were."""
    counts: list[int] = []
    add = UsageFold.add

    def count(self: UsageFold, days: list[UsageDay]) -> None:
        counts.append(len(days))
        add(self, days)

    monkeypatch.setattr(UsageFold, "add", count)
    return counts


def test_only_the_newest_day_is_put_together_again(counted: list[int]) -> None:
    rng, folds = random.Random(1), Folds()
    finished = [make_day(number, rng) for number in range(6)]
    for _ in range(3):
        days = [*finished, make_day(6, rng)]
        assert figures(folds.fold(days, WEEK)) == fresh(days)
    assert [count for count in counted if count != 7] == [6, 1, 1, 1]


@pytest.mark.parametrize("seed", range(30))
def test_days_that_change_come_and_go_are_counted_as_they_are(seed: int) -> None:
    rng, folds = random.Random(seed), Folds()
    days = {number: make_day(number, rng) for number in range(-1, 8)}
    for _ in range(12):
        number = rng.choice([*days, 3])
        if rng.random() < 0.5:
            days.pop(number, None)
        else:
            days[number] = make_day(number, rng)
        now = [days[number] for number in sorted(days)]
        stretch = rng.choice([WEEK, WEEK.before(), UsageRange(FIRST, FIRST, ZoneInfo("UTC"))])
        assert figures(folds.fold(now, stretch)) == fresh(now, stretch)


def test_no_days_are_nothing() -> None:
    assert figures(Folds().fold([], WEEK)) == fresh([])


def test_only_some_ranges_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_folds, "_MOST", 2)
    folds = Folds()
    for number in range(5):
        folds.fold([], UsageRange(FIRST, FIRST + timedelta(days=number), ZoneInfo("UTC")))
    assert len(folds._known) == 2
