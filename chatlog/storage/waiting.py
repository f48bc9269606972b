"""What a store can tell of work that waits inside it, besides `SessionStore`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class WaitingRooms(Protocol):
    """Has queues, and knows how long they are. Asking costs nothing and waits for nothing."""

    def count_waiting(self) -> Mapping[str, int]:
        """How much waits in this process, by the name of the queue."""
        ...
