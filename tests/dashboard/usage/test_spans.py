"""Days put together to bars."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dashboard.usage.spans import MOST_BARS, Span, Step, choose_step, cut


def days(first: str, count: int) -> list[date]:
    return [date.fromisoformat(first) + timedelta(days=number) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "step"),
    [(1, Step.DAY), (120, Step.DAY), (121, Step.WEEK), (840, Step.WEEK), (841, Step.MONTH), (3658, Step.MONTH)],
)
def test_the_longer_the_stretch_the_more_days_are_in_a_bar(count: int, step: Step) -> None:
    assert choose_step(count) is step
    assert len(list(cut(days("2016-12-29", count), step))) <= MOST_BARS + 2


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("first", ["2024-02-26", "2026-01-01", "2026-12-28"])
def test_each_day_is_in_one_bar(step: Step, first: str) -> None:
    wanted = days(first, 800)
    spans = list(cut(wanted, step))
    found = [span.first + timedelta(days=number) for span in spans for number in range((span.last - span.first).days + 1)]
    assert found == wanted
    assert all(span.first.weekday() == 0 for span in spans[1:]) or step is not Step.WEEK
    assert all(span.first.day == 1 for span in spans[1:]) or step is not Step.MONTH


def test_weeks_are_not_cut_where_a_year_ends() -> None:
    assert list(cut(days("2026-12-28", 7), Step.WEEK)) == [Span(date(2026, 12, 28), date(2027, 1, 3))]


def test_only_single_days_are_weekends() -> None:
    found = [span.is_weekend for span in cut(days("2026-11-23", 7), Step.DAY)]
    assert found == [False] * 5 + [True] * 2
    assert not Span(date(2026, 11, 21), date(2026, 11, 22)).is_weekend
