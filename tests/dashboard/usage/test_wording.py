"""How figures are compared, and what they cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.usage.money import say_money
from dashboard.usage.wording import say_change, say_share


@pytest.mark.parametrize(
    ("now", "before", "sign", "words"),
    [
        (112, 100, "▲", "12 % more than in the 30 days before"),
        (97, 100, "▼", "3 % less than in the 30 days before"),
        (0, 100, "▼", "100 % less than in the 30 days before"),
        (100_001, 100_000, "▲", "less than 1 % more than in the 30 days before"),
        (5, 5, "", "as in the 30 days before"),
        (5, 0, "", "n/a: nothing in the 30 days before"),
        (0, 0, "", "n/a: nothing in the 30 days before"),
        (None, 4.5, "", "n/a: nothing to compare with the 30 days before"),
        (4.5, None, "", "n/a: nothing in the 30 days before"),
        (1_200_000, 100, "▲", "12,000 times that of the 30 days before"),
    ],
)
def test_a_change_is_told_with_its_sign_and_in_words(now: float | None, before: float | None, sign: str, words: str) -> None:
    assert say_change(now, before, days=30) == (sign, words)


def test_one_day_is_compared_with_one() -> None:
    assert say_change(2, 1, days=1).words == "100 % more than in the day before"


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(0, 10, "0 %"), (0, 0, "0 %"), (1, 1000, "less than 1 %"), (1, 3, "33 %"), (3, 3, "100 %")]
)
def test_a_share_is_told_in_per_cent(part: float, whole: float, words: str) -> None:
    assert say_share(part, whole) == words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("94.4", "¥", "¥94"),
        ("0.3", "¥", "less than ¥1"),
        ("1234.5", "$", "$1,234.50"),
        ("0.004", "$", "less than $0.01"),
        ("0", "$", "$0.00"),
        ("3.1", "CHF", "3.10 CHF"),
        ("81", "JPY", "81 JPY"),
    ],
)
def test_money_is_told_in_coins_that_there_are(amount: str, currency: str, words: str) -> None:
    assert say_money(Decimal(amount), currency) == words
