from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.wording import say_ago, say_duration, say_roughly


@pytest.mark.parametrize(
    ("seconds", "duration", "roughly", "ago"),
    [
        (0, "0 s", "0 s", "now"),
        (0.9, "0 s", "0 s", "now"),
        (-5, "0 s", "0 s", "now"),
        (59, "59 s", "59 s", "now"),
        (60, "1 min", "1 min", "1 min ago"),
        (350, "5 min 50 s", "5 min", "5 min ago"),
        (3600, "1 h", "1 h", "1 h ago"),
        (3601, "1 h", "1 h", "1 h ago"),
        (7380, "2 h 3 min", "2 h", "2 h ago"),
        (86_399, "23 h 59 min", "23 h", "23 h ago"),
        (86_400, "1 day", "1 day", "1 day ago"),
        (273_600, "3 days 4 h", "3 days", "3 days ago"),
        (40_000_000, "462 days 23 h", "462 days", "462 days ago"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, duration: str, roughly: str, ago: str) -> None:
    length = timedelta(seconds=seconds)
    assert (say_duration(length), say_roughly(length), say_ago(length)) == (duration, roughly, ago)
