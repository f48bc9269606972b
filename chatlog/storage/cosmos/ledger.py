"""Writing down what was charged, in the background: the sum of a month survives restarts and counts all processes together."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from datetime import date

from chatlog.domain.ledger import Entry, LedgerDay, Takings, add_up
from chatlog.errors import ChatlogError
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.charges import Meter, bookkeeping
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.documents import Document
from chatlog.storage.ledger_documents import (
    added_values,
    holds_entry,
    ledger_id,
    ledger_partition,
    new_ledger_document,
    read_operations,
)

logger = logging.getLogger(__name__)


class LedgerWriter:
    """Adds what one connection was charged to the documents of its days. Whatever goes wrong is made up for the next time."""

    def __init__(self, calls: Calls, takings: Takings, meter: Meter, *, tuning: Tuning) -> None:
        self._calls = calls
        self._takings = takings
        self._meter = meter
        self._tuning = tuning
        self._lock = asyncio.Lock()
        self._works = True
        self._busy_then = 0
        self._task: asyncio.Task[None] | None = None
        if tuning.ledger_seconds is not None:
            # Not in the context of whoever opened the store, who would be charged for it.
            keeping = self._keep_writing(tuning.ledger_seconds)
            self._task = asyncio.create_task(keeping, name="chatlog-ledger", context=contextvars.Context())

    async def list_days(self, *, since: date, until: date) -> list[LedgerDay]:
        """The days of the ledger with what is not in it yet. Raises a `StorageError`."""
        async with self._lock:  # while something is on its way, it could be counted twice, or not at all
            stored = await self._read(since=since, until=until)
            days = [day for day in {*stored, *self._takings.days} if since <= day < until]
            return [self._complete(day, stored.get(day)) for day in sorted(days)]

    async def _read(self, *, since: date, until: date) -> dict[date, Document]:
        documents: list[Document] = []
        with bookkeeping():
            for month in _months(since, until):
                documents += await self._calls.query(queries.ledger(ledger_partition(month), since=since, until=until))
        return {date.fromisoformat(document["day"]): document for document in documents}

    def _complete(self, day: date, document: Document | None) -> LedgerDay:
        sent = self._takings.on_the_way(day)
        parts = [self._takings.unsent(day)]
        if sent is not None and (document is None or not holds_entry(document, sent)):
            parts.append(sent.operations)
        return LedgerDay(day, add_up({} if document is None else read_operations(document), *parts))

    async def finish(self) -> None:
        """Write what is left, and no more after that. Does not take long, and never fails."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(self._tuning.closing_seconds):
                await self.write()
        except TimeoutError:
            logger.warning("What was charged last (%.2f RU) is not in the ledger: it took too long.", self._takings.units)

    async def write(self) -> None:
        """Add what is not in the ledger yet, if there was anything but the ledger's own requests. Never fails."""
        async with self._lock:
            if self._meter.busy == self._busy_then:
                return
            self._busy_then = self._meter.busy
            try:
                with bookkeeping():
                    await self._write_days()
            except ChatlogError as error:
                self._busy_then = -1  # whatever comes: try again
                if self._works:  # once for an outage
                    logger.warning("What was charged is written down later: %s", error)
                self._works = False
            else:
                self._works = True

    async def _keep_writing(self, seconds: float) -> None:
        waited = 0
        while True:
            await asyncio.sleep(seconds)
            waited += 1
            # An entry costs about 12 RU; one for every little thing would cost more than what it tells of.
            # That requests are refused is what tuning waits for.
            is_worth_it = self._takings.units >= self._tuning.ledger_units or self._takings.throttled
            if is_worth_it or waited >= self._tuning.ledger_patience:
                waited = 0
                await self.write()

    async def _write_days(self) -> None:
        for day in self._takings.days:
            # First what was sent before and may have arrived, then what came since; not what the writing itself costs, or it
            # would never end.
            for _ in range(1 if self._takings.on_the_way(day) is None else 2):
                entry = self._takings.send(day)
                if entry is not None:
                    await self._add(day, entry)
                    self._takings.settle(day)

    async def _add(self, day: date, entry: Entry) -> None:
        budget = self._calls.budget("write down what was charged")
        while True:
            document = await self._calls.find(ledger_id(day), partition=ledger_partition(day))
            if document is None:
                if await self._calls.create_unless_there(new_ledger_document(day, entry)) is not None:
                    return
            elif holds_entry(document, entry) or await self._calls.patch(document, values=added_values(document, entry)):
                return
            await budget.yield_turn()


def _months(since: date, until: date) -> Iterator[date]:
    month = since.replace(day=1)
    while month < until:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
