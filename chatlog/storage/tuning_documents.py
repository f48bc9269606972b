"""What tuning remembers, as it is stored: one document beside the ledger. The only owner of its keys."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from chatlog.domain.clock import parse_timestamp, to_timestamp
from chatlog.domain.ledger import RequestFigures
from chatlog.domain.throughput import Memory
from chatlog.domain.tuning import TuningNote

JsonDocument = dict[str, Any]

TUNING_ID = "tuning"
TUNING_PARTITION = "ledger/tuning"  # no session's id holds a slash


def new_tuning_document(note: TuningNote) -> JsonDocument:
    """The document of a container that is tuned for the first time."""
    identity = {"id": TUNING_ID, "session_id": TUNING_PARTITION, "message_id": TUNING_ID, "type": TUNING_ID}
    return identity | tuning_values(note)


def tuning_values(note: TuningNote) -> JsonDocument:
    """The fields that every step writes."""
    memory = note.memory
    return {
        "looked_at": to_timestamp(note.looked_at),
        "totals": {
            day.isoformat(): {"count": total.count, "units": round(total.units, 2), "throttled": total.throttled}
            for day, total in note.totals.items()
        },
        "memory": {
            "changed_at": _written(memory.changed_at),
            "fell_from": memory.fell_from,
            "quiet_since": _written(memory.quiet_since),
            "quiet_peak": round(memory.quiet_peak, 2),
            "patience_seconds": memory.patience.total_seconds(),
            "regretted_at": _written(memory.regretted_at),
            "floor": memory.floor,
        },
    }


def note_from_document(document: JsonDocument) -> TuningNote:
    """What the last step left."""
    memory = document["memory"]
    return TuningNote(
        looked_at=parse_timestamp(document["looked_at"], field="looked_at"),
        totals={date.fromisoformat(day): RequestFigures(**total) for day, total in document["totals"].items()},
        memory=Memory(
            changed_at=_read(memory["changed_at"]),
            fell_from=memory["fell_from"],
            quiet_since=_read(memory["quiet_since"]),
            quiet_peak=memory["quiet_peak"],
            patience=timedelta(seconds=memory["patience_seconds"]),
            regretted_at=_read(memory["regretted_at"]),
            floor=memory["floor"],
        ),
    )


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else to_timestamp(moment)


def _read(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text, field="memory")
