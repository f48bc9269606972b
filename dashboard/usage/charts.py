"""The bars of a chart, as its template draws them: places in per cent, words, and the addresses of the sessions behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from dashboard.usage.dates import label_below
from dashboard.usage.meanings import Kind, Meaning
from dashboard.usage.scale import THIN, Scale, Slot, make_scale, make_slots, percent, stack
from dashboard.usage.series import Row, Series
from dashboard.usage.spans import Span, Step

MOST_LABELS = 7
# Per cent of the width: half a date, on a telephone.
_EDGE = 7


@dataclass(frozen=True, slots=True)
class Part:
    """One colour of a bar."""

    y: str
    height: str
    css: str
    fill: str
    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and the place it stands in, with what it shows in words; without an address if it shows nothing."""

    place: str
    place_width: str
    left: str
    width: str
    is_weekend: bool
    words: str
    address: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Words beside a chart, and where: their middle, or at the edge, where half of them would stand outside, their start."""

    place: str
    words: str
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of bars: `ticks` are on the scale beside it, `labels` below, `kinds` in the legend."""

    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    kinds: tuple[Kind, ...]


def draw(series: Series, meaning: Meaning, names: Sequence[str]) -> Chart:
    """The chart of a series, whose bars have these names."""
    slots = make_slots(len(series.rows))
    pen = _Pen(make_scale(series.highest), meaning, tuple(meaning.kinds), _("%(days)s: %(count)s"), _say_part())
    return Chart(
        bars=tuple(pen.draw_bar(*bar) for bar in zip(series.rows, slots, names, strict=True)),
        ticks=tuple(Mark(percent(100 - pen.scale.height(tick)), f"{tick:,}") for tick in pen.scale.ticks),
        labels=tuple(
            _label(slots[place], label_below(series.rows[place].span, series.step))
            for place in choose_labels([row.span for row in series.rows], series.step)
        ),
        kinds=pen.kinds,
    )


def _label(slot: Slot, words: str) -> Mark:
    is_start = slot.middle < _EDGE
    return Mark(percent(slot.bar_left if is_start else slot.middle), words, is_start)


def choose_labels(spans: Sequence[Span], step: Step) -> list[int]:
    """Which bars have their date below them: all of a few, else Mondays, or where a month or year begins."""
    if len(spans) <= MOST_LABELS:
        return list(range(len(spans)))
    found = [place for place, span in enumerate(spans) if _is_landmark(span, step, len(spans))] or [0]
    return found[:: -(-len(found) // MOST_LABELS)]


def _is_landmark(span: Span, step: Step, count: int) -> bool:
    if step is Step.MONTH:
        return span.first.month == 1
    if step is Step.WEEK:
        return span.first.day <= 7
    return span.first.weekday() == 0 if count <= 7 * MOST_LABELS else span.first.day in {1, 15}


def _say_part() -> str:
    # Translators: of one agent or outcome on one day, such as "planner, Mon, 23 Nov 2026: 12 remarks"
    return _("%(name)s, %(days)s: %(count)s")


@dataclass(frozen=True, slots=True)
class _Pen:
    """What all bars of a chart have in common."""

    scale: Scale
    meaning: Meaning
    kinds: tuple[Kind, ...]
    words: str
    words_of_part: str

    def draw_bar(self, row: Row, slot: Slot, name: str) -> Bar:
        return Bar(
            place=percent(slot.left),
            place_width=percent(slot.width),
            left=percent(slot.bar_left),
            width=percent(slot.bar_width),
            is_weekend=row.span.is_weekend,
            words=self.words % {"days": name, "count": self.meaning.say(row.total)},
            address=self.meaning.link(row.span) if row.total else "",
            parts=tuple(self._draw_parts(row, name)),
        )

    def _draw_parts(self, row: Row, name: str) -> Iterator[Part]:
        for place, (y, height) in enumerate(stack(map(self.scale.height, row.counts))):
            if not row.counts[place]:
                continue
            kind, count = self.kinds[place], self.meaning.say(row.counts[place])
            words = self.words_of_part % {"name": kind.name, "days": name, "count": count}
            css = f"{kind.css} thin" if height < THIN else kind.css
            yield Part(percent(y), percent(height), css, kind.fill, words, self.meaning.link(row.span, place))
