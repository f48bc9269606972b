"""What a month's work in the store comes to, on stores that charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from chatlog.domain.ledger import RequestFigures, add_up
from chatlog.domain.price import Price
from chatlog.storage.base import SessionStore
from chatlog.storage.charging import ChargingStore


@dataclass(frozen=True, slots=True)
class MonthCosts:
    """What the current UTC month has come to so far.

    Attributes:
        month: its first day.
        operations: by the kind of request, the dearest first.
        days: request units of each day on which there were any, in order.
        price: what request units cost; `None` if nobody has set it.
    """

    month: date
    operations: tuple[tuple[str, RequestFigures], ...]
    days: tuple[tuple[date, float], ...]
    price: Price | None = None

    @property
    def total(self) -> RequestFigures:
        """All requests together."""
        return sum((figures for _, figures in self.operations), RequestFigures())

    @property
    def amount(self) -> Decimal | None:
        """What that is in money, in the price's currency; `None` without a price."""
        return None if self.price is None else self.price.of(self.total.units)


async def get_month_costs(store: SessionStore, *, now: datetime, price: Price | None = None) -> MonthCosts | None:
    """What the UTC month of `now` has come to so far; `None` on a store that charges nothing.

    Args:
        price: see `chatlog.config.price_from_env`.
    Raises:
        StorageError: the store could not be asked.
    """
    if not isinstance(store, ChargingStore):
        return None
    today = now.astimezone(UTC).date()
    month = today.replace(day=1)
    days = await store.list_ledger(since=month, until=today + timedelta(days=1))
    operations = add_up(*(day.operations for day in days))
    return MonthCosts(
        month=month,
        operations=tuple(sorted(operations.items(), key=lambda item: (-item[1].units, item[0]))),
        days=tuple((day.day, day.total.units) for day in days),
        price=price,
    )
