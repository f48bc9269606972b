"""What the store costs, where it costs something: request units of this month, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from chatlog.domain.ledger import RequestFigures
from chatlog.domain.price import Price
from chatlog.services.costs import MonthCosts
from dashboard.usage.dates import say_month

# Currencies without a smaller coin.
_WHOLE = {"¥", "JPY", "KRW"}


@dataclass(frozen=True, slots=True)
class OperationRow:
    """All requests of one kind."""

    name: str
    count: str
    units: str
    throttled: str
    milliseconds: str


@dataclass(frozen=True, slots=True)
class CostCard:
    """This month's request units. `amount` and `price` are empty if nobody has said what they cost."""

    month: str
    units: str
    amount: str
    price: str
    rows: tuple[OperationRow, ...]
    total: OperationRow


def describe_costs(costs: MonthCosts) -> CostCard:
    """What the page says about the costs of a month."""
    return CostCard(
        month=say_month(costs.month),
        units=f"{costs.total.units:,.0f}",
        amount="" if costs.price is None or costs.amount is None else say_money(costs.amount, costs.price.currency),
        price="" if costs.price is None else _say_price(costs.price),
        rows=tuple(_describe(name, figures) for name, figures in costs.operations),
        total=_describe(_("All"), costs.total),
    )


def say_money(amount: Decimal, currency: str) -> str:
    """`¥94`, `$1.20`, `3.10 CHF`; what is less than the smallest coin is said to be that."""
    digits = 0 if currency in _WHOLE else 2
    smallest = Decimal(1).scaleb(-digits)
    if 0 < amount < smallest:
        return _("less than %(amount)s") % {"amount": _write(smallest, currency, digits)}
    return _write(amount, currency, digits)


def _write(amount: Decimal, currency: str, digits: int) -> str:
    number = f"{amount:,.{digits}f}"
    return f"{number} {currency}" if currency.isalpha() else f"{currency}{number}"


def _say_price(price: Price) -> str:
    # As it was set: rounded to coins it would not be the price.
    number = f"{price.per_million:,}"
    return f"{number} {price.currency}" if price.currency.isalpha() else f"{price.currency}{number}"


def _describe(name: str, figures: RequestFigures) -> OperationRow:
    mean = 1000 * figures.seconds / figures.count if figures.count else 0.0
    return OperationRow(name, f"{figures.count:,}", f"{figures.units:,.0f}", f"{figures.throttled:,}", f"{mean:,.0f}")
