"""When people and agents are at work: the hours of a week, as squares that are the darker the more was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from dashboard.usage.charts import Mark
from dashboard.usage.scale import percent
from dashboard.usage.wording import say_remarks

LEVELS = 5
_HOURS = 24
_LABELLED = (0, 6, 12, 18)


@dataclass(frozen=True, slots=True)
class Square:
    """One hour of the week; nothing was said in level 0."""

    x: str
    y: str
    level: int
    words: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """All hours. `summary` says the most there is to see to whoever does not see it."""

    squares: tuple[Square, ...]
    days: tuple[Mark, ...]
    hours: tuple[Mark, ...]
    levels: tuple[Mark, ...]
    summary: str


def draw_hours(hours: Sequence[Sequence[int]]) -> HeatMap:
    """Remarks by weekday, Monday first, and hour."""
    highest = max(max(day) for day in hours)
    return HeatMap(
        squares=tuple(_draw_squares(hours, highest)),
        days=tuple(Mark(percent(100 * (day + 0.5) / 7), str(WEEKDAYS_ABBR[day])) for day in range(7)),
        hours=tuple(Mark(percent(100 * hour / _HOURS), f"{hour}:00") for hour in _LABELLED),
        levels=tuple(Mark(str(level), words) for level, words in _list_levels(highest)),
        summary=_summarise(hours, highest),
    )


def _draw_squares(hours: Sequence[Sequence[int]], highest: int) -> Iterator[Square]:
    words = _say_hour()
    for day, counts in enumerate(hours):
        y, weekday = percent(100 * day / 7), str(WEEKDAYS[day])
        for hour, count in enumerate(counts):
            said = words % _name(weekday, hour, count)
            yield Square(percent(100 * hour / _HOURS), y, level_of(count, highest), said)


def level_of(count: int, highest: int) -> int:
    """1 to 5, in five equal steps up to the highest; 0 for nothing."""
    return -(-count * LEVELS // highest) if count else 0


def _list_levels(highest: int) -> list[tuple[int, str]]:
    """The counts of each level that there can be."""
    found: list[tuple[int, str]] = []
    for level in range(1, LEVELS + 1):
        least, most = highest * (level - 1) // LEVELS + 1, highest * level // LEVELS
        if least <= most:
            found.append((level, f"{least:,}–{most:,}" if least < most else f"{most:,}"))
    return found


def _summarise(hours: Sequence[Sequence[int]], highest: int) -> str:
    if not highest:
        return _("No remarks.")
    day, hour = next((day, hour) for day in range(7) for hour in range(_HOURS) if hours[day][hour] == highest)
    return _("The busiest hour: %(hour)s") % {"hour": _say_hour() % _name(str(WEEKDAYS[day]), hour, highest)}


def _say_hour() -> str:
    # Translators: such as "Monday, 9:00–10:00: 12 remarks"
    return _("%(weekday)s, %(start)s–%(end)s: %(count)s")


def _name(weekday: str, hour: int, count: int) -> dict[str, str]:
    return {"weekday": weekday, "start": f"{hour}:00", "end": f"{hour + 1}:00", "count": say_remarks(count)}
