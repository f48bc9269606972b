"""Which days the page shows, and of which zone, as they stand in its address: read, checked, and written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from chatlog.services.usage_range import MAX_RANGE_DAYS, UsageRange
from dashboard.locale import known_zones

CHOICES = (7, 30, 90)
DEFAULT_DAYS = 30
NAMES = ("days", "from", "to", "tz")
# Nobody has had agents before, and what is later is a slip; in between every day has an equal stretch before it.
EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """What an address asks for.

    Attributes:
        stretch: the days; where they are not understood, the last thirty.
        zone: the name of their zone.
        days: how many, if they end today whenever that is; `None` for days of one's own.
        zone_given: the zone as it was given, understood or not; empty if it was not.
        form_days: the first and last day for the form: as they were given, if they can be days.
        problems: a sentence for each parameter that is not understood.
    """

    stretch: UsageRange
    zone: str
    days: int | None
    zone_given: str
    form_days: tuple[date, date]
    problems: tuple[str, ...]

    @property
    def query(self) -> str:
        """The same days again, whoever asks."""
        return urlencode(self._days() | {"tz": self.zone})

    def query_for(self, days: int) -> str:
        """The last so many days; in this zone if somebody chose it."""
        return urlencode({"days": days, **({"tz": self.zone} if self.zone_given else {})})

    def _days(self) -> dict[str, Any]:
        if self.days is not None:
            return {"days": self.days}
        return {"from": self.stretch.first.isoformat(), "to": self.stretch.last.isoformat()}


def read_period(params: Mapping[str, str], *, zone: str, now: datetime) -> Period:
    """Read the days of an address. Never raises: what is not understood is in `problems`.

    Args:
        zone: whose days they are where no `tz` says so; the name of one that there is.
    """
    given = {name: value for name in NAMES if (value := params.get(name, "").strip())}
    reader = _Reader(given, now)
    chosen = reader.read_zone(zone)
    first, last = reader.read_day("from"), reader.read_day("to")
    stretch, days = reader.read_stretch(first, last, zone=ZoneInfo(chosen))
    form_days = (first or stretch.first, last or stretch.last)
    return Period(stretch, chosen, days, given.get("tz", ""), form_days, tuple(reader.problems))


class _Reader:
    def __init__(self, given: Mapping[str, str], now: datetime) -> None:
        self.given, self.now = given, now
        self.problems: list[str] = []

    def read_zone(self, usual: str) -> str:
        name = self.given.get("tz")
        if name is None or name in known_zones():
            return name or usual
        self._complain(_("“%(value)s” is no time zone. Write it like Asia/Tokyo."), value=_short(name))
        return usual

    def read_stretch(self, first: date | None, last: date | None, *, zone: tzinfo) -> tuple[UsageRange, int | None]:
        if first is None and last is None:
            days = self._read_count()
            return UsageRange.last_days(days, zone=zone, now=self.now), days
        last = last or max(UsageRange.last_days(1, zone=zone, now=self.now).last, first or EARLIEST)
        first = first or max(last - timedelta(days=DEFAULT_DAYS - 1), EARLIEST)
        count = (last - first).days + 1
        if count < 1:
            self._complain(_("From %(first)s to %(last)s runs backwards. Swap the two days."), first=first, last=last)
        elif count > MAX_RANGE_DAYS:
            text = _("From %(first)s to %(last)s are %(count)s days; the limit is %(limit)s. Choose days closer together.")
            self._complain(text, first=first, last=last, count=f"{count:,}", limit=f"{MAX_RANGE_DAYS:,}")
        else:
            return UsageRange(first, last, zone), None
        return UsageRange.last_days(DEFAULT_DAYS, zone=zone, now=self.now), DEFAULT_DAYS

    def _read_count(self) -> int:
        text = self.given.get("days", str(DEFAULT_DAYS))
        # int() of a very long number would take its time.
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_RANGE_DAYS)) and 1 <= int(text) <= MAX_RANGE_DAYS:
            return int(text)
        limit = f"{MAX_RANGE_DAYS:,}"
        self._complain(_("“%(value)s” is no number of days from 1 to %(limit)s."), value=_short(text), limit=limit)
        return DEFAULT_DAYS

    def read_day(self, name: str) -> date | None:
        text = self.given.get(name)
        if text is None:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self._complain(_("“%(value)s” is no day. Write it like 2026-11-23."), value=_short(text))
            return None
        if EARLIEST <= day <= LATEST:
            return day
        far = {"first": EARLIEST, "last": LATEST}
        self._complain(_("%(value)s is too far away; choose days from %(first)s to %(last)s."), value=day, **far)
        return None

    def _complain(self, text: str, **values: object) -> None:
        self.problems.append(text % values)


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
