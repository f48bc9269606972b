"""What request units cost in money, as somebody read it from a price list."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from chatlog.errors import ConfigurationError

_MILLION = 1_000_000
# More than a million for a million request units is a slip, in any currency.
MAX_PRICE = Decimal(1_000_000)
_FORM = re.compile(r"(?P<before>[¥$€£]|[A-Z]{3})? ?(?P<amount>\d{1,9}(?:\.\d{1,9})?) ?(?P<after>[¥$€£]|[A-Z]{3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Price:
    """A price of a million request units.

    Attributes:
        currency: a sign (`$`, `¥`, `€`, `£`) or a code of three letters.
    """

    per_million: Decimal
    currency: str

    def of(self, units: float) -> Decimal:
        """What so many request units cost."""
        return Decimal(str(units)) / _MILLION * self.per_million

    @classmethod
    def parse(cls, text: str, *, name: str) -> Price:
        """Read `$0.25`, `¥38`, `0.25 USD` or `JPY 38`. Raises `ConfigurationError`, which calls the setting `name`."""
        # A keyboard in Japan may give full-width signs.
        found = _FORM.fullmatch(unicodedata.normalize("NFKC", text).strip())
        if found is None or (found["before"] is None) == (found["after"] is None):
            raise ConfigurationError(f"{name}={text!r} is not an amount and its currency. Write it as $0.25, ¥38 or 0.25 USD.")
        amount = Decimal(found["amount"])
        if not 0 < amount <= MAX_PRICE:
            raise ConfigurationError(f"{name}={text!r} is out of range; it goes from just above 0 to {MAX_PRICE:,}.")
        return cls(amount, found["before"] or found["after"])
