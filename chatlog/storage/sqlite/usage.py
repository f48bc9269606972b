"""How much went on, day by day: finished days as they are kept, all others counted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple

import apsw

from chatlog.domain.clock import utc_now
from chatlog.domain.usage import UsageDay
from chatlog.errors import StorageError, StorageReadOnly
from chatlog.storage.sqlite.counting import count_day, find_span
from chatlog.storage.sqlite.kept_days import Claim, CountedDay, KeptDays, claim_days, keep_days, select_claims, write_day
from chatlog.storage.sqlite.reader import ReaderPool
from chatlog.storage.sqlite.writer import GroupCommitWriter

logger = logging.getLogger(__name__)
# Some megabytes of text at the most, so that nobody's save waits long.
_DAYS_AT_ONCE = 31
_ONE_DAY = timedelta(days=1)


class _Look(NamedTuple):
    """What one look at the database found.

    Attributes:
        figures: of the days asked for that have any.
        counted: those of them to be kept.
        unclaimed: finished days that nobody has claimed; if there are any, nothing was counted yet.
    """

    figures: list[UsageDay]
    counted: list[CountedDay]
    unclaimed: list[date]


class UsageDays:
    """The figures of days in one database."""

    def __init__(self, readers: ReaderPool, writer: GroupCommitWriter) -> None:
        self._readers = readers
        self._writer = writer
        self._kept = KeptDays()

    async def list_days(self, *, since: date, until: date) -> list[UsageDay]:
        """The days from `since` up to, but not including, `until` that have figures, in order."""
        look = partial(self._look, since=since, until=until, today=utc_now().date())
        found = await self._readers.run(partial(look, may_claim=True))
        if found.unclaimed:
            await self._try_to_write(partial(claim_days, days=found.unclaimed))
            found = await self._readers.run(partial(look, may_claim=False))
        counted = iter(found.counted)
        while some := list(islice(counted, _DAYS_AT_ONCE)):
            await self._try_to_write(partial(keep_days, counted=some))
        return found.figures

    def _look(self, connection: apsw.Connection, *, since: date, until: date, today: date, may_claim: bool) -> _Look:
        span = find_span(connection)
        if span is None:
            return _Look([], [], [])
        days = [*_days(max(since, span[0]), min(until - _ONE_DAY, span[1]))]
        claims = select_claims(connection, since=since, until=until)
        unclaimed = [day for day in days if day < today and day not in claims]
        if unclaimed and may_claim:
            return _Look([], [], unclaimed)
        found = _Look([], [], [])
        for day in days:
            self._add(connection, found, day, claims.get(day))
        return found

    def _add(self, connection: apsw.Connection, found: _Look, day: date, claim: Claim | None) -> None:
        figures = None if claim is None else self._kept.find(connection, claim)
        if figures is None:
            figures = count_day(connection, day)
            if claim is not None:
                found.counted.append(write_day(claim, figures))
        if figures.outcomes or figures.agents:  # a day without anything is kept too, or it would be counted every time
            found.figures.append(figures)

    async def _try_to_write(self, work: Callable[[apsw.Connection], None]) -> None:
        """Figures that cannot be kept are given out all the same; they are counted again the next time."""
        try:
            await self._writer.run(work)
        except StorageReadOnly:
            pass
        except StorageError as error:
            logger.warning("Figures of use cannot be kept, and are counted each time: %s", error)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * _ONE_DAY for number in range((last - first).days + 1))
