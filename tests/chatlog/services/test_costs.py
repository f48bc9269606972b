from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from chatlog import open_store
from chatlog.domain.ledger import LedgerDay, RequestFigures
from chatlog.domain.price import Price
from chatlog.services.costs import get_month_costs

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def figures(units: float) -> RequestFigures:
    return RequestFigures(count=1, units=units, throttled=1)


class Charging:
    def __init__(self, *days: LedgerDay) -> None:
        self.days = days
        self.asked: list[tuple[date, date]] = []

    async def list_ledger(self, *, since: date, until: date) -> list[LedgerDay]:
        self.asked.append((since, until))
        return [day for day in self.days if since <= day.day < until]


async def test_a_store_that_charges_nothing_has_no_costs(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/c.sqlite3") as store:
        assert await get_month_costs(store, now=NOW) is None


async def test_a_month_is_summed_by_kind_and_by_day_the_dearest_first() -> None:
    store = Charging(
        LedgerDay(date(2026, 10, 31), {"read": figures(1000)}),
        LedgerDay(date(2026, 11, 1), {"read": figures(1), "query": figures(5), "patch": figures(5)}),
        LedgerDay(date(2026, 11, 24), {"read": figures(2)}),
    )
    costs = await get_month_costs(store, now=NOW, price=Price(Decimal(1_000_000), "¥"))
    assert costs is not None
    assert costs.month == date(2026, 11, 1)
    assert [(name, each.units) for name, each in costs.operations] == [("patch", 5), ("query", 5), ("read", 3)]
    assert costs.days == ((date(2026, 11, 1), 11), (date(2026, 11, 24), 2))
    assert costs.total == RequestFigures(count=4, units=13, throttled=4)
    assert costs.amount == 13


async def test_without_a_price_there_is_no_amount_and_without_requests_nothing() -> None:
    costs = await get_month_costs(Charging(), now=NOW)
    assert costs is not None
    assert (costs.amount, costs.total, costs.operations, costs.days) == (None, RequestFigures(), (), ())


async def test_months_are_those_of_utc() -> None:
    store = Charging()
    tokyo = timezone(timedelta(hours=9))
    await get_month_costs(store, now=datetime(2027, 1, 1, 8, tzinfo=tokyo))
    await get_month_costs(store, now=datetime(2027, 1, 1, 9, tzinfo=tokyo))
    assert store.asked == [(date(2026, 12, 1), date(2027, 1, 1)), (date(2027, 1, 1), date(2027, 1, 2))]
