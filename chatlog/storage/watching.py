"""What a store promises besides `SessionStore` that only watches what another program keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched, and how that goes.

    Attributes:
        name: what it is called: database and container.
        lifetime: how long something that was written there lasts; `None` if nothing expires.
        unread: how many documents are in no form that chatlog reads.
        is_complete: whether all that was there has been read once.
        trouble: why it cannot be followed at the moment; `None` if it is.
    """

    name: str
    lifetime: timedelta | None
    unread: int
    is_complete: bool
    trouble: str | None


@runtime_checkable
class WatchingStore(Protocol):
    """Shows what another program writes. Whatever would write raises `WatchedOnly`."""

    async def get_watched(self) -> Watched:
        """How it stands. Raises a `StorageError` only if what was seen so far cannot be read."""
        ...
