"""What reading and writing cost, for stores that charge: request units of each call, summed over a stretch of work."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

logger = logging.getLogger("chatlog.charges")


@dataclass(slots=True)
class Charges:
    """What a stretch of work has cost so far.

    Attributes:
        units: request units, as the service named them.
        calls: how many requests were sent, by their kind: `query`, `read`, `create` …
    """

    units: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        listed = ", ".join(f"{count} {operation}" for operation, count in sorted(self.calls.items()))
        return f"{self.units:.2f} RU ({listed})"


_measured: ContextVar[tuple[Charges, ...]] = ContextVar("chatlog_charges", default=())


@contextmanager
def measure_charges(what: str) -> Iterator[Charges]:
    """Sum what is charged inside the block, by tasks begun in it too, and log it as `what` if there was anything.

    What is written in the background later, a session's figures for example, belongs to nobody's block.
    """
    with collect_charges() as charges:
        try:
            yield charges
        finally:
            if charges.calls:
                logger.info("%s: %s", what, charges)


@contextmanager
def collect_charges(into: Charges | None = None) -> Iterator[Charges]:
    """Sum what is charged inside the block, by tasks begun in it too, without a word in the log."""
    charges = Charges() if into is None else into
    token = _measured.set((*_measured.get(), charges))
    try:
        yield charges
    finally:
        _measured.reset(token)


def note_charge(operation: str, units: float) -> None:
    """Count one request in every block that it was sent in."""
    for charges in _measured.get():
        charges.units += units
        charges.calls[operation] += 1
