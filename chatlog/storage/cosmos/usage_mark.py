"""The mark: up to when changes of kept days were looked for.

The service stamps each document with the second of its last change, `_ts`, and the mark with that of its own: no clock of ours
is compared with another. A look asks for what has changed since the mark and a while before it, forgets those days, and only
then moves the mark. The while makes up for what a look cannot see: writes that were under way, replicas that lag, partitions
whose clocks differ, and the time between the look and the moving.

Days are kept under the mark's era. Where the mark is lost, or cannot tell what has changed, a new era begins, and what was kept
before is not believed any more.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chatlog.domain import limits
from chatlog.domain.clock import utc_now
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.documents import Document

# No session can have an id with a slash, so this partition is nobody else's.
PARTITION = "/usage"
MARK_ID = "usage_mark"
# How long before the mark a look begins, in seconds, and how long it may take if the mark is to follow: a third of it.
OVERLAP = 180
LONGEST_LOOK = 60.0
# Moving costs a write, and not moving makes looks longer.
MOVE_AFTER = timedelta(minutes=1)
# What was deleted goes for good some time later, and then nothing tells of it; a day is kept free for our own clock.
TOO_OLD = limits.UNDO_PERIOD - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark as it was read.

    Attributes:
        era: what is kept under another one is void.
        covers_until: changes of days before this one are looked for; none of the others may be kept.
        changed_since: what the next look asks for, as `_ts`.
    """

    document: Document
    era: str
    covers_until: date
    changed_since: int

    @property
    def age(self) -> timedelta:
        """How long ago it was moved, by our own clock; below zero if that is slow."""
        return utc_now() - datetime.fromtimestamp(self.changed_since + OVERLAP, UTC)

    @property
    def can_tell(self) -> bool:
        """Whether all that has changed since can still be found out."""
        return self.age < TOO_OLD

    def is_due(self, today: date) -> bool:
        """Whether it should be moved."""
        return self.covers_until < today or not timedelta(0) <= self.age <= MOVE_AFTER


async def find_mark(calls: Calls) -> Mark | None:
    """The mark; `None` if there is none that can be read."""
    document = await calls.find(MARK_ID, partition=PARTITION)
    return None if document is None else _read(document)


async def begin_era(calls: Calls, *, today: date) -> Mark | None:
    """Put a new mark in the place of whatever is there. Everything that was kept is void with that."""
    document = {
        "id": MARK_ID,
        "session_id": PARTITION,
        "message_id": MARK_ID,
        "type": MARK_ID,
        "era": uuid.uuid4().hex,
        "covers_until": today.isoformat(),
    }
    return _read(await calls.put(document))


async def move_mark(calls: Calls, mark: Mark, *, today: date) -> Mark | None:
    """Say that everything up to now was looked at; `None` if somebody else has said so since it was read."""
    moved = await calls.patch(mark.document, values={"covers_until": max(mark.covers_until, today).isoformat()})
    return None if moved is None else _read(moved)


def _read(document: Document) -> Mark | None:
    try:
        covers_until = date.fromisoformat(document["covers_until"])
        return Mark(document, str(document["era"]), covers_until, int(document["_ts"]) - OVERLAP)
    except (KeyError, TypeError, ValueError):
        return None
