"""What a store that charges for its work promises besides `SessionStore`. The embedded store charges nothing."""

from __future__ import annotations

from datetime import date
from typing import Protocol, runtime_checkable

from chatlog.domain.ledger import LedgerDay


@runtime_checkable
class ChargingStore(Protocol):
    """Knows what it charged, by day and kind of request, through restarts and for all processes together."""

    async def list_ledger(self, *, since: date, until: date) -> list[LedgerDay]:
        """What each UTC day from `since` up to, but not including, `until` came to, in order; empty days are left out.

        What this process was charged is in it at once, what others were charged after some minutes. What a process that was
        killed had not written is lost.

        Raises:
            InvalidInput: the stretch is empty, runs backwards, or has more than `limits.MAX_LEDGER_DAYS` days.
            StorageError: it cannot be read.
        """
        ...
