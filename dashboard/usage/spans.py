"""Which days a bar of a chart stands for: one, or in long stretches the days of a week or a month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby

# More than that cannot be told apart, nor pointed at, on any screen.
MOST_BARS = 120


class Step(StrEnum):
    """How much time a bar stands for. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """Some days in a row, both ends included. At the ends of a stretch there may be only a part of the week or month."""

    first: date
    last: date

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.first == self.last and self.first.weekday() >= 5


def choose_step(days: int) -> Step:
    """The shortest step in which so many days are at most about `MOST_BARS` bars."""
    if days <= MOST_BARS:
        return Step.DAY
    return Step.WEEK if days <= MOST_BARS * 7 else Step.MONTH


def cut(days: Sequence[date], step: Step) -> Iterator[Span]:
    """The days, which follow each other, put together to bars."""
    for _, together in groupby(days, key=lambda day: _name_of(day, step)):
        found = list(together)
        yield Span(found[0], found[-1])


def _name_of(day: date, step: Step) -> tuple[int, int]:
    if step is Step.DAY:
        return day.toordinal(), 0
    return day.isocalendar()[:2] if step is Step.WEEK else (day.year, day.month)
