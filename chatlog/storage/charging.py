"""What a store that charges for its work promises besides `SessionStore`. The embedded store charges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

from chatlog.domain.ledger import LedgerDay
from chatlog.domain.throughput import Offer
from chatlog.domain.tuning import TuningNote


@dataclass(frozen=True, slots=True)
class OfferRefusal:
    """Why the service did not set the throughput that was asked for.

    Attributes:
        lowest: the least RU/s that it takes; 0 if it does not say.
    """

    reason: str
    lowest: int = 0


@dataclass(frozen=True, slots=True)
class KeptNote:
    """What the last step of tuning left, and which state of it this is; both `None` before the first."""

    note: TuningNote | None = None
    version: str | None = None


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


@runtime_checkable
class TunableStore(ChargingStore, Protocol):
    """Can be given more or less throughput. All methods may raise a `StorageError`."""

    async def find_offer(self) -> Offer:
        """What is reserved now. Raises `StorageDenied` if this identity may not know."""
        ...

    async def replace_offer(self, offer: Offer, *, throughput: int) -> OfferRefusal | None:
        """Reserve another value; `None` if that is done. Raises `StorageDenied` if this identity may not."""
        ...

    async def find_tuning_note(self) -> KeptNote:
        """What the last step of tuning left, in whichever process."""
        ...

    async def keep_tuning_note(self, note: TuningNote, *, version: str | None) -> str | None:
        """Leave a note for the next step and return its version; `None` if another process left one since that version."""
        ...
