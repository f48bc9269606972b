"""When a session was busy, in a few numbers that are kept up to date with each message: what a row of the list draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_BUCKETS = 32
FIRST_WIDTH = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Activity:
    """How many messages came in each stretch of a session since its start. A session may last as long as it likes.

    Attributes:
        width: how long a stretch is. When the session outgrows 32 of them, pairs become one and the width doubles.
        counts: messages in each stretch, the last one not 0; at most 32.
    """

    width: timedelta = FIRST_WIDTH
    counts: tuple[int, ...] = ()

    def after(self, moments: Iterable[datetime], *, start: datetime) -> Activity:
        """With messages at these moments too; what lies before the start counts as at the start."""
        width, counts = self.width, list(self.counts)
        for moment in moments:
            bucket = max(0, (moment - start) // width)
            while bucket >= MAX_BUCKETS:
                counts = [sum(counts[index : index + 2]) for index in range(0, len(counts), 2)]
                width, bucket = width * 2, bucket // 2
            counts += [0] * (bucket + 1 - len(counts))
            counts[bucket] += 1
        return Activity(width, tuple(counts))
