from __future__ import annotations

from decimal import Decimal

import pytest

from chatlog.config import price_from_env
from chatlog.domain.price import Price
from chatlog.errors import ConfigurationError


def price_of(text: str) -> Price | None:
    return price_from_env({"CHATLOG_PRICE_PER_MILLION_RU": text})


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$0.25", "0.25", "$"),
        (" ¥38 ", "38", "¥"),
        ("¥38", "38", "¥"),
        ("0.25 USD", "0.25", "USD"),
        ("JPY 38", "38", "JPY"),
        ("1000000€", "1000000", "€"),
    ],
)
def test_a_price_is_an_amount_and_its_currency(text: str, amount: str, currency: str) -> None:
    assert price_of(text) == Price(Decimal(amount), currency)


@pytest.mark.parametrize("text", ["", "  "])
def test_no_setting_is_no_price(text: str) -> None:
    assert price_of(text) is None
    assert price_from_env({}) is None


@pytest.mark.parametrize(
    "text",
    [
        *("0.25", "$", "$0", "$0.0", "$-1", "-1 USD", "$nan", "NaN USD", "inf USD", "$1e3", "$1000000.01", "$0,25"),
        *("$999999999999", "$1 USD", "dollars 1", "¤1", "$٣", "$1\n2", "$" + "9" * 5000),
    ],
)
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match="CHATLOG_PRICE_PER_MILLION_RU"):
        price_of(text)


def test_money_is_exact() -> None:
    price = Price(Decimal("0.25"), "$")
    assert price.of(4_000_000) == 1
    assert price.of(0.1) == Decimal("0.000000025")
    assert price.of(1e18) == Decimal(250000000000)
