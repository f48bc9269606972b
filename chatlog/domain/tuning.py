"""From one step of tuning to the next: what has to be known of the last look, and what has happened since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from chatlog.domain.ledger import LedgerDay, RequestFigures
from chatlog.domain.throughput import LONGEST_LOOK, SHORTEST_LOOK, Load, Memory


@dataclass(frozen=True, slots=True)
class TuningNote:
    """What one step leaves for the next, which may be another process's.

    Attributes:
        totals: what the ledger's last days came to by then.
    """

    looked_at: datetime
    totals: Mapping[date, RequestFigures]
    memory: Memory = field(default_factory=Memory)


def totals_of(days: Iterable[LedgerDay]) -> dict[date, RequestFigures]:
    """What each day came to."""
    return {day.day: day.total for day in days}


def is_too_soon(note: TuningNote | None, now: datetime) -> bool:
    """Whether it is only minutes since the last look. A clock that is a little behind another is no matter."""
    return note is not None and abs(now - note.looked_at) < SHORTEST_LOOK


def load_since(note: TuningNote | None, totals: Mapping[date, RequestFigures], now: datetime) -> Load | None:
    """What happened since the last look; `None` if there was none lately."""
    if note is None or not SHORTEST_LOOK <= now - note.looked_at <= LONGEST_LOOK:
        return None
    before = (note.totals.get(day, RequestFigures()) for day in totals)
    grown = [(now_, then) for now_, then in zip(totals.values(), before, strict=True)]
    return Load(
        seconds=(now - note.looked_at).total_seconds(),
        # A ledger that was thrown away has less than before; that is not less than nothing.
        requests=sum(max(0, late.count - early.count) for late, early in grown),
        refused=sum(max(0, late.throttled - early.throttled) for late, early in grown),
        units=sum(max(0.0, late.units - early.units) for late, early in grown),
    )
