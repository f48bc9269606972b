"""What a mirror knows of the container it follows, kept in the mirror's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import apsw

from chatlog.storage.sqlite.notes import keep_note, read_notes

_NAME = "followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorNotes:
    """How far a container was followed, and what was learnt on the way.

    Attributes:
        continuation: where the change feed is read on; `None` is its beginning.
        rid: the id of the container that the continuation belongs to.
        is_complete: whether the end of the feed was reached once.
        default_ttl: the container's default time to live; see `FeedFacts`.
        shortest_ttl: the shortest, in seconds, that a document was seen to give itself.
        unread: how many documents could not be read.
    """

    continuation: str | None = None
    rid: str | None = None
    is_complete: bool = False
    default_ttl: int | None = None
    shortest_ttl: int | None = None
    unread: int = 0

    @property
    def lifetime(self) -> int | None:
        """The seconds after which something in the container expires; `None` if nothing does.

        An item's own time to live counts only where the container has a default, be it -1.
        Source: https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live#time-to-live-configurations
        """
        if self.default_ttl is None:
            return None
        lifetimes = [ttl for ttl in (self.default_ttl, self.shortest_ttl) if ttl is not None and ttl > 0]
        return min(lifetimes, default=None)

    def after_reading(self, *, unread: int, shortest_ttl: int | None) -> Self:
        """With what a page of documents has shown."""
        known = [ttl for ttl in (self.shortest_ttl, shortest_ttl) if ttl is not None]
        return replace(self, unread=self.unread + unread, shortest_ttl=min(known, default=None))


def load_notes(connection: apsw.Connection) -> MirrorNotes:
    """The notes in the file. What another version kept is left out."""
    kept = read_notes(connection).get(_NAME)
    values: Mapping[str, object] = {} if kept is None else json.loads(kept)
    known = MirrorNotes.__dataclass_fields__
    return MirrorNotes(**{name: value for name, value in values.items() if name in known})  # type: ignore[arg-type]


def store_notes(connection: apsw.Connection, notes: MirrorNotes) -> None:
    """Keep them, in the transaction of what they tell of."""
    keep_note(connection, _NAME, json.dumps(asdict(notes)))
