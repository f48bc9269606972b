"""Where things stand in a chart, in per cent of its size: it fits any screen, and its letters stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

MOST_TICKS = 4
# Per cent of the height: less is hardly seen, and a line between two of them would cover both.
THIN = 2.0
# The part of its place that a bar takes; the rest keeps it from its neighbours.
_BAR = 0.78


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to `top`, with a line at each of `ticks`: round numbers, the highest of which is `top`."""

    ticks: tuple[int, ...]

    @property
    def top(self) -> int:
        """What the full height of a chart stands for."""
        return self.ticks[-1]

    def height(self, value: float) -> float:
        """How high a value is, 0 to 100."""
        return 100 * value / self.top


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one bar of several: of the whole, and of what is drawn."""

    left: float
    width: float

    @property
    def bar_left(self) -> float:
        """Where the bar itself begins."""
        return self.left + self.width * (1 - _BAR) / 2

    @property
    def bar_width(self) -> float:
        """How wide the bar itself is."""
        return self.width * _BAR

    @property
    def middle(self) -> float:
        """Where its label belongs."""
        return self.left + self.width / 2


def make_scale(highest: int) -> Scale:
    """A scale of whole numbers, as people count, up to `highest` or just above it: at least to 1."""
    step = next(step for step in _steps() if step * MOST_TICKS >= highest)
    count = max(1, -(-highest // step))
    return Scale(tuple(step * number for number in range(count + 1)))


def make_slots(count: int) -> list[Slot]:
    """The width of a chart, shared by so many bars."""
    return [Slot(100 * number / count, 100 / count) for number in range(count)]


def stack(heights: Iterable[float]) -> list[tuple[float, float]]:
    """Parts of a bar, the first at the bottom: from which y, counted from the top, and how high."""
    found = list(heights)
    return [(100 - end, height) for end, height in zip(accumulate(found), found, strict=True)]


def percent(value: float) -> str:
    """As an attribute has it, in every language."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def _steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, 100 …"""
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
