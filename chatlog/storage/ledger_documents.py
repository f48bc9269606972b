"""The ledger of charges as it is stored: a document for each UTC day, in a partition for each month. Only here are its keys.

No session's id holds a slash, so no session ever shares these partitions; and nothing that lists, counts or searches looks at
their type.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from chatlog.domain.ledger import Entry, Figures, RequestFigures, add_up

JsonDocument = dict[str, Any]

LEDGER_TYPE = "ledger"
# After thirteen months nobody compares with it any more. Seconds since its last change, where the container lets items expire.
_TTL = 400 * 24 * 3600
# An entry is sent again soon after it failed; so many others may come between and it is still known to be there.
_MARKS = 50


def ledger_id(day: date) -> str:
    """The id of a day's document."""
    return f"ledger_{day.isoformat()}"


def ledger_partition(day: date) -> str:
    """The partition of a day's month."""
    return f"ledger/{day:%Y-%m}"


def new_ledger_document(day: date, entry: Entry) -> JsonDocument:
    """A day's document with its first entry."""
    return {
        "id": ledger_id(day),
        "session_id": ledger_partition(day),
        "message_id": ledger_id(day),
        "type": LEDGER_TYPE,
        "day": day.isoformat(),
        "ttl": _TTL,
        **_values(entry.operations, [entry.mark]),
    }


def added_values(document: JsonDocument, entry: Entry) -> JsonDocument:
    """The fields of a day's document that change when an entry is added to it."""
    return _values(add_up(read_operations(document), entry.operations), [*document["marks"], entry.mark][-_MARKS:])


def holds_entry(document: JsonDocument, entry: Entry) -> bool:
    """Whether the entry was added before."""
    return entry.mark in document["marks"]


def read_operations(document: JsonDocument) -> dict[str, RequestFigures]:
    """The figures in a day's document."""
    return {name: RequestFigures(**figures) for name, figures in document["operations"].items()}


def _values(operations: Figures, marks: Iterable[str]) -> JsonDocument:
    return {
        "operations": {
            name: {
                "count": figures.count,
                "units": round(figures.units, 2),  # as fine as the service charges
                "throttled": figures.throttled,
                "seconds": round(figures.seconds, 6),
            }
            for name, figures in operations.items()
        },
        "marks": list(marks),
    }
