"""Whether a site takes what waits for it, seen from the queue itself: it may be another process that sends."""

from __future__ import annotations

import time
from collections.abc import Callable

from chatlog.client.outbox import Outbox
from chatlog.client.stuck import StuckSessions
from chatlog.client.wire import MAX_MESSAGES

# A list takes no longer on most lines.
RECENT_SECONDS = 1.0


class Progress:
    """Looks at the front of the queue, and remembers when that was sent; what is stuck does not count."""

    def __init__(self, outbox: Outbox, stuck: StuckSessions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbox = outbox
        self._stuck = stuck
        self._clock = clock
        self._front: int | None = None
        self._made_at: float | None = None

    def is_made(self) -> bool:
        """Whether something was sent a moment ago, and so little is left that the rest may be through in a moment."""
        now, front = self._clock(), self._outbox.find_front(but=self._stuck.ids)
        if self._front is not None and front is not None and front > self._front:
            self._made_at = now
        self._front = front
        is_recent = self._made_at is not None and now - self._made_at <= RECENT_SECONDS
        return is_recent and self._outbox.count().waiting <= MAX_MESSAGES
