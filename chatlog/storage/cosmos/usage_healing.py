"""What is known of the kept days at one moment: which of them to believe, which to count anew, and which of those to keep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import TypeVar

from chatlog.domain.clock import utc_now
from chatlog.domain.usage import UsageDay
from chatlog.errors import StorageDenied, StorageError
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.usage_changes import MOST_SESSIONS, find_days_of, find_touched_days
from chatlog.storage.cosmos.usage_days import figures_in, forget_days, keep_day, read_days
from chatlog.storage.cosmos.usage_mark import LONGEST_LOOK, Mark, begin_era, find_mark, move_mark
from chatlog.storage.documents import Document

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# Each takes a write; a new era takes one for all of them.
MOST_FORGOTTEN = 40


@dataclass
class Attempts:
    """Writes that figures can do without: where they fail, the log says so, and of a missing permission only once."""

    _is_refused: bool = False

    async def make(self, write: Awaitable[Result]) -> Result | None:
        """The result; `None` if it failed."""
        try:
            return await write
        except StorageDenied:
            if not self._is_refused:
                logger.warning("Figures of use are counted each time: this identity may not keep them.", exc_info=True)
            self._is_refused = True
        except StorageError:
            logger.warning("Figures of use could not be kept this time.", exc_info=True)
        return None


@dataclass
class KeptDays:
    """The kept days of a stretch, after a look at what has changed.

    Attributes:
        figures: what can be believed, by day.
        mark: `None` if nothing is to be kept this time.
        today: the first day that is not over.
    """

    calls: Calls
    attempts: Attempts
    today: date
    mark: Mark | None = None
    figures: dict[date, UsageDay] = field(default_factory=dict)
    _documents: dict[date, Document] = field(default_factory=dict)
    _touched: set[date] = field(default_factory=set)

    async def look(self, *, since: date, until: date, naive_zone: tzinfo | None) -> None:
        """Read what is kept, and make void what is not true any more."""
        began = asyncio.get_running_loop().time()
        # The mark is read first: a day that is read after it is not older than what the look begins with.
        mark = await find_mark(self.calls)
        if mark is None or not mark.can_tell:
            self._documents = await read_days(self.calls, since=since, until=until)
            self.mark = await self.attempts.make(begin_era(self.calls, today=self.today))
            return
        self._documents, touched = await asyncio.gather(
            read_days(self.calls, since=since, until=until), find_touched_days(self.calls, mark, naive_zone=naive_zone)
        )
        if touched is None or len(touched) > MOST_FORGOTTEN:
            await self.attempts.make(begin_era(self.calls, today=self.today))
            return  # what it saw will be seen once more: only then it pays to keep something
        self._touched = touched
        found = {day: figures_in(document, era=mark.era) for day, document in self._documents.items() if day not in touched}
        self.figures = {day: figures for day, figures in found.items() if figures is not None}
        is_healed = await self.attempts.make(_done(forget_days(self.calls, touched)))
        took = asyncio.get_running_loop().time() - began
        if is_healed and mark.is_due(self.today) and took <= LONGEST_LOOK:
            mark = await self.attempts.make(move_mark(self.calls, mark, today=self.today)) or mark
        self.mark = mark

    async def keep(self, counted: Sequence[UsageDay]) -> None:
        """Keep those of the days that are over and were quiet, an empty one as well."""
        if self.mark is None:
            return
        era, end = self.mark.era, min(self.mark.covers_until, self.today)
        wanted = [figures for figures in counted if figures.day < end and figures.day not in self._touched]
        await self.attempts.make(
            each(wanted, lambda day: keep_day(self.calls, day, era=era, before=self._documents.get(day.day)))
        )


async def forget_before_removal(calls: Calls, sessions: Sequence[Document], *, naive_zone: tzinfo | None) -> None:
    """Make void the days of sessions that are deleted and were not looked at since, while something still tells of them."""
    mark = await find_mark(calls)
    unseen = [row for row in sessions if mark is not None and row["_ts"] >= mark.changed_since]
    if mark is None or not unseen:
        return
    days: set[date] | None = None
    if len(unseen) <= MOST_SESSIONS:
        ids = [row["session_id"] for row in unseen]
        days = await find_days_of(calls, unseen, ids, until=mark.covers_until, naive_zone=naive_zone)
    if days is None or len(days) > MOST_FORGOTTEN:
        await begin_era(calls, today=utc_now().date())
    else:
        await forget_days(calls, days)


async def _done(write: Awaitable[None]) -> bool:
    await write
    return True
