"""How often one token may ask: a bucket that fills steadily and is emptied by requests. Counted in this process only."""

from __future__ import annotations

import time
from collections import OrderedDict

from dashboard.per_loop import PerLoop

# About a third of what one process can do: one program in a loop leaves room for the others, and for people.
REQUESTS_PER_SECOND = 200.0
BURST = 400.0
MOST_BUCKETS = 1_000


class Throttle:
    def __init__(self) -> None:
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, token_id: int) -> float:
        """Count one request. Returns how many seconds it has to wait: 0 if it may go on."""
        now = time.monotonic()
        filled, at = self._buckets.get(token_id, (BURST, now))
        filled = min(BURST, filled + (now - at) * REQUESTS_PER_SECOND)
        wait = 0.0 if filled >= 1 else (1 - filled) / REQUESTS_PER_SECOND
        self._buckets[token_id] = (filled if wait else filled - 1, now)
        self._buckets.move_to_end(token_id)
        if len(self._buckets) > MOST_BUCKETS:  # the longest unused: by now its bucket would be full again
            self._buckets.popitem(last=False)
        return wait


current: PerLoop[Throttle] = PerLoop(Throttle)
