"""What a store charged, kept for good: sums for each UTC day by the kind of request, and what is still to be added to them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chatlog.domain.ids import new_message_id


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What all requests of one kind came to.

    Attributes:
        count: how many were answered, refused ones included.
        units: request units, as the service named them.
        throttled: how many were refused for want of throughput (429).
        seconds: how long they took together, from sending to the answer.
    """

    count: int = 0
    units: float = 0.0
    throttled: int = 0
    seconds: float = 0.0

    def __add__(self, other: RequestFigures) -> RequestFigures:
        return RequestFigures(
            self.count + other.count,
            self.units + other.units,
            self.throttled + other.throttled,
            self.seconds + other.seconds,
        )


Figures = Mapping[str, RequestFigures]


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What one UTC day came to, by the kind of request: `query`, `read`, `create` …"""

    day: date
    operations: Figures

    @property
    def total(self) -> RequestFigures:
        """All kinds together."""
        return sum(self.operations.values(), RequestFigures())


@dataclass(frozen=True, slots=True)
class Entry:
    """Figures on their way into the ledger. They may be sent several times: `mark` tells that they are in it already."""

    mark: str
    operations: Figures


class Takings:
    """What one connection was charged and has not written into the ledger yet."""

    def __init__(self) -> None:
        self._days: dict[date, dict[str, RequestFigures]] = {}
        self._entries: dict[date, Entry] = {}
        self._name = new_message_id()
        self._numbers = itertools.count(1)

    @property
    def days(self) -> list[date]:
        """The days that there is something for, in order."""
        return sorted({*self._days, *self._entries})

    @property
    def units(self) -> float:
        """Request units that are not even on their way."""
        return sum(figures.units for day in self._days.values() for figures in day.values())

    @property
    def throttled(self) -> int:
        """Refused requests that are not even on their way."""
        return sum(figures.throttled for day in self._days.values() for figures in day.values())

    def note(self, day: date, operation: str, figures: RequestFigures) -> None:
        """Add an answered request."""
        operations = self._days.setdefault(day, {})
        operations[operation] = operations.get(operation, RequestFigures()) + figures

    def send(self, day: date) -> Entry | None:
        """What is to be added to that day now: first what was sent before, until it is known to have arrived."""
        if day not in self._entries and day in self._days:
            self._entries[day] = Entry(f"{self._name}-{next(self._numbers)}", self._days.pop(day))
        return self._entries.get(day)

    def settle(self, day: date) -> None:
        """What was sent for that day has arrived."""
        self._entries.pop(day, None)

    def on_the_way(self, day: date) -> Entry | None:
        """What was sent for that day, and may or may not have arrived."""
        return self._entries.get(day)

    def unsent(self, day: date) -> Figures:
        """What is not even on its way."""
        return self._days.get(day, {})


def add_up(*parts: Figures) -> dict[str, RequestFigures]:
    """The figures together."""
    total: dict[str, RequestFigures] = {}
    for part in parts:
        for operation, figures in part.items():
            total[operation] = total.get(operation, RequestFigures()) + figures
    return total
