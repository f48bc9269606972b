"""How long readers wait for a store that failed: longer each time, and not all of them until the same moment."""

from __future__ import annotations

import random

# The shortest and the longest pause.
RETRY_SECONDS = (0.5, 5.0)
# Doubled as often, the shortest pause is long beyond the longest; doubled a thousand times it is no number any more.
_MOST_DOUBLINGS = 16


def pause_after(failures: int) -> float:
    """How many seconds to wait after so many failures in a row, at least one."""
    shortest, longest = RETRY_SECONDS
    pause: float = min(longest, shortest * 2 ** min(failures - 1, _MOST_DOUBLINGS))
    return pause * random.uniform(0.5, 1)  # noqa: S311  # spreads retries, guards nothing
