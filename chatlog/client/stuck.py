"""Which sessions are passed over: their next entry is answered each time, but never taken. A proxy may dislike it, say.

Its session keeps its order and waits behind it; the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatlog.client.entries import Batch
from chatlog.client.problems import Away
from chatlog.client.trouble import REMIND_SECONDS

logger = logging.getLogger(__name__)
# A site that is being restarted answers strange things for a moment.
STUCK_AFTER = 3
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(slots=True)
class _Trials:
    """How one entry fared, sent alone."""

    failures: int = 0
    pause: float = 0.0
    due_at: float = 0.0
    told_at: float | None = None


class StuckSessions:
    """One site's. It is kept in memory: another process finds out for itself."""

    def __init__(self, site: str, queue: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._site = site
        self._queue = queue
        self._clock = clock
        self._trials: dict[str, _Trials] = {}

    @property
    def ids(self) -> frozenset[str]:
        """The sessions that are passed over."""
        return frozenset(session_id for session_id, trials in self._trials.items() if trials.failures >= STUCK_AFTER)

    def find_due(self) -> str | None:
        """The one whose next attempt has been due for longest, so that each has its turn."""
        due = {session_id: self._trials[session_id].due_at for session_id in self.ids}
        first = min(due, key=due.__getitem__, default=None)
        return first if first is not None and due[first] <= self._clock() else None

    def note(self, batch: Batch, error: Away) -> None:
        """An entry was sent alone, and answered, but not taken."""
        trials = self._trials.setdefault(batch.session_id, _Trials())
        trials.failures += 1
        if trials.failures < STUCK_AFTER:
            return
        now = self._clock()
        trials.pause = min(2 * trials.pause or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        trials.due_at = now + trials.pause
        if trials.told_at is None or now - trials.told_at >= REMIND_SECONDS:
            trials.told_at = now
            self._tell(batch, error, trials.failures)

    def forget(self, session_id: str) -> None:
        """It moves on, or has nothing that waits."""
        self._trials.pop(session_id, None)

    def _tell(self, batch: Batch, error: Away, failures: int) -> None:
        logger.error(
            "%s did not take the %s of session %r, sent alone %d times. The session waits behind it in %s, the others go on; "
            "it is tried again now and then, and nothing is lost. Let it through, there or in a proxy on the way: %s",
            self._site,
            " ".join([batch.kind, *map(repr, batch.message_ids)]),
            batch.session_id,
            failures,
            self._queue,
            error,
        )
