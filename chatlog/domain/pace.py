"""How fast a discussion goes, and whether it has been silent for longer than it uses to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import quantiles

from chatlog.domain.models import Message

# The rule for "silent beyond its own habit" is ours: nine of ten silences are no longer than the usual one, three times that is
# out of the ordinary, and under half a minute nobody would call it silent. A few remarks are no habit yet.
HABIT_GAPS = 8
HABIT_FACTOR = 3
SHORTEST_HABIT = timedelta(seconds=30)
# Of a discussion without a habit.
QUIET_AFTER = timedelta(minutes=1)
# The pace is that of the last minutes: long enough to be steady, short enough to be of now.
PACE_WINDOW = timedelta(minutes=5)
SHORTEST_WINDOW = timedelta(seconds=10)

# Kana, Han and Hangul are counted by the character and other scripts by the word, as word processors do.
_EAST_ASIAN = "\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(f"[{_EAST_ASIAN}]|[^\\W_{_EAST_ASIAN}]+")


@dataclass(frozen=True, slots=True)
class Pace:
    """What the last remarks of a session tell.

    Attributes:
        habit: a silence longer than this is out of the ordinary for this session; `None` while it has no habit.
        words_per_minute: over the last five minutes, or since the session began if that is less.
    """

    habit: timedelta | None
    words_per_minute: float

    def is_beyond_habit(self, silence: timedelta) -> bool:
        """Whether the session never uses to be silent for so long."""
        return self.habit is not None and silence > self.habit

    def is_quiet(self, silence: timedelta) -> bool:
        """Whether to say that nobody is talking right now."""
        return silence > (QUIET_AFTER if self.habit is None else self.habit)


def measure_pace(messages: Sequence[Message], *, began_at: datetime, now: datetime) -> Pace:
    """The pace of a session from its last messages, in order; thirty of them tell enough.

    Messages may lie behind each other in time, or ahead of `now`, when clocks differ; such gaps count as none.
    """
    return Pace(_habit(messages), _words_per_minute(messages, began_at=began_at, now=now))


def _habit(messages: Sequence[Message]) -> timedelta | None:
    times = [message.timestamp for message in messages]
    gaps = [max(timedelta(0), later - earlier).total_seconds() for earlier, later in pairwise(times)]
    if len(gaps) < HABIT_GAPS:
        return None
    usual = quantiles(gaps, n=10, method="inclusive")[-1]
    return max(SHORTEST_HABIT, HABIT_FACTOR * timedelta(seconds=usual))


def _words_per_minute(messages: Sequence[Message], *, began_at: datetime, now: datetime) -> float:
    since = now - PACE_WINDOW
    words = sum(count_words(message.content) for message in messages if message.timestamp > since)
    # Of a session with more remarks than were read, only the time that they cover is known.
    known_since = max(since, began_at, messages[0].timestamp) if messages else since
    return words / (max(SHORTEST_WINDOW, now - known_since) / timedelta(minutes=1))


def count_words(text: str) -> int:
    """How many words a text has; of Chinese, Japanese and Korean, how many characters of theirs."""
    return sum(1 for _ in _WORDS.finditer(text))
