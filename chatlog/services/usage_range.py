"""The days that figures of use are asked for: days of a zone, cut at its midnights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Self

from chatlog.domain import limits
from chatlog.domain.clock import midnight
from chatlog.errors import InvalidInput

# A zone's days reach into a UTC day more at either end.
MAX_RANGE_DAYS = limits.MAX_USAGE_DAYS - 2
# Their midnights, and what is counted around them, are times that Python knows in every zone.
_EARLIEST = date.min + timedelta(days=2)
_LATEST = date.max - timedelta(days=3)


@dataclass(frozen=True, slots=True)
class UsageRange:
    """Some days in a row.

    A day lasts from its midnight to the next one: 23, 24 or 25 hours, or none if the zone's calendar left it out, as Samoa's
    did with 2011-12-30. Where midnight does not exist, as on some days in Cairo, the day begins at its first moment; where it
    comes twice, at the first.

    Attributes:
        first: included, like `last`.
        zone: whose days they are.
        is_base: they are only what other days are compared with; else there must be room in time for as many before them.

    Raises:
        InvalidInput: the days run backwards, are more than `MAX_RANGE_DAYS`, or lie where years end.
    """

    first: date
    last: date
    zone: tzinfo
    is_base: bool = field(default=False, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        count = (self.last - self.first).days + 1
        if count < 1:
            raise InvalidInput("first", f"{self.first} to {self.last} runs backwards. Swap the two days.")
        if count > MAX_RANGE_DAYS:
            raise InvalidInput("first", f"{self.first} to {self.last} are {count:,} days; the limit is {MAX_RANGE_DAYS:,}.")
        earliest = _EARLIEST if self.is_base else _EARLIEST + timedelta(days=count)
        if self.first < earliest:
            raise InvalidInput("first", f"{self.first} is too early for {count:,} days; the earliest is {earliest}.")
        if self.last > _LATEST:
            raise InvalidInput("last", f"{self.last} is too late; the latest is {_LATEST}.")

    @classmethod
    def last_days(cls, count: int, *, zone: tzinfo, now: datetime) -> Self:
        """Today and the days before it, `count` in all. Raises `InvalidInput` for fewer than one or too many."""
        limits.check_number(count, field="days", minimum=1, maximum=MAX_RANGE_DAYS)
        today = _day_at(now, zone)
        return cls(today - timedelta(days=count - 1), today, zone)

    @property
    def since(self) -> datetime:
        """When the first day begins, in UTC."""
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """When the last day is over, in UTC; that moment is not in it."""
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def days(self) -> tuple[date, ...]:
        """Each of them, in order."""
        return tuple(self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))

    def before(self) -> UsageRange:
        """As many days just before these. Raises `InvalidInput` for what `before` returned, where time begins."""
        count = (self.last - self.first).days + 1
        if self.first < _EARLIEST + timedelta(days=count):
            raise InvalidInput("first", f"{self.first} is too early: there are no {count:,} days before it.")
        return UsageRange(self.first - timedelta(days=count), self.first - timedelta(days=1), self.zone, is_base=True)


def _day_at(moment: datetime, zone: tzinfo) -> date:
    day = moment.astimezone(zone).date()
    # Clocks that go back over midnight show yesterday's date for a while on a day that has begun.
    following = day + timedelta(days=1)
    return following if midnight(following, zone) <= moment.astimezone(UTC) else day
