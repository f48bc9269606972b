"""The figures of finished days, kept in the database; usage.sql throws a day away when something in it changes.

Whoever wants to keep a day claims it first, and counts in what it sees after that. As long as the claim stands nothing of the
day has changed since, for a change takes the claim away; another one for the same day is another number.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import apsw

from chatlog.domain.usage import UsageDay
from chatlog.storage.sqlite import queries
from chatlog.storage.usage_documents import usage_day_from_document, usage_day_to_document

# Of kept figures as text: about a million numbers and some 40 MB in memory.
_MOST_LETTERS = 4_000_000


class Claim(NamedTuple):
    """That somebody counts a day, or has counted it."""

    day: date
    number: int


class CountedDay(NamedTuple):
    """Figures of a claimed day, ready to be kept."""

    claim: Claim
    text: str


def select_claims(connection: apsw.Connection, *, since: date, until: date) -> dict[date, Claim]:
    """The claims there are on the days from `since` up to, but not including, `until`."""
    found = connection.execute(queries.SELECT_CLAIMS, (since.isoformat(), until.isoformat()))
    claims = (Claim(date.fromisoformat(day), number) for day, number in found)
    return {claim.day: claim for claim in claims}


def claim_days(connection: apsw.Connection, *, days: Iterable[date]) -> None:
    """See to it that every day is claimed; a claim that stands serves everybody."""
    connection.executemany(queries.CLAIM_DAY, [(day.isoformat(),) for day in days])


def keep_days(connection: apsw.Connection, *, counted: Iterable[CountedDay]) -> None:
    """Keep the days whose claims still stand."""
    connection.executemany(queries.KEEP_DAY, [(text, claim.day.isoformat(), claim.number) for claim, text in counted])


def write_day(claim: Claim, figures: UsageDay) -> CountedDay:
    """Figures in the form in which they are kept."""
    document = usage_day_to_document(figures)
    return CountedDay(claim, json.dumps(document, ensure_ascii=False, separators=(",", ":")))


class KeptDays:
    """Reads kept days, and remembers the last it read: reading one again costs more than the query. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: OrderedDict[Claim, tuple[UsageDay, int]] = OrderedDict()
        self._letters = 0

    def find(self, connection: apsw.Connection, claim: Claim) -> UsageDay | None:
        """The figures kept under a claim that stands; `None` if there are none, or none that can be read."""
        with self._lock:
            if claim in self._read:
                self._read.move_to_end(claim)
                return self._read[claim][0]
        ((text,),) = connection.execute(queries.SELECT_USAGE_DOCUMENT, (claim.day.isoformat(),))
        figures = None if text is None else _read_day(text, claim.day)
        if figures is not None:
            self._remember(claim, figures, len(text))
        return figures

    def _remember(self, claim: Claim, figures: UsageDay, letters: int) -> None:
        with self._lock:
            self._letters += letters - self._read.pop(claim, (figures, 0))[1]
            self._read[claim] = (figures, letters)
            while self._letters > _MOST_LETTERS:
                _, (_, letters) = self._read.popitem(last=False)
                self._letters -= letters


def _read_day(text: str, day: date) -> UsageDay | None:
    """A kept day; `None` for what another version kept, or what is damaged: it is counted anew."""
    try:
        figures = usage_day_from_document(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError):  # whatever is wrong with its form
        return None
    return figures if figures is not None and figures.day == day else None
