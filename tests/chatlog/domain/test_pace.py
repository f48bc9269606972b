"""How fast a discussion goes, and what is out of the ordinary for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.models import Message
from chatlog.domain.pace import HABIT_GAPS, SHORTEST_HABIT, Pace, count_words, measure_pace
from tests.factories import make_draft

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR_AGO = NOW - timedelta(hours=1)


def said(*gaps: float, until: datetime = NOW, content: str = "one two three") -> list[Message]:
    """Remarks with these silences between them, in seconds, the last at `until`."""
    times = [until]
    for gap in reversed(gaps):
        times.insert(0, times[0] - timedelta(seconds=gap))
    drafts = [make_draft(timestamp=time, content=content) for time in times]
    return [Message.from_draft(draft, session_id="s", sequence=number) for number, draft in enumerate(drafts, start=1)]


def pace_of(messages: list[Message], *, began_at: datetime = HOUR_AGO) -> Pace:
    return measure_pace(messages, began_at=began_at, now=NOW)


def test_a_few_remarks_are_no_habit() -> None:
    pace = pace_of(said(*[60] * (HABIT_GAPS - 1)))
    assert pace.habit is None
    assert not pace.is_beyond_habit(timedelta(hours=3))
    assert not pace.is_quiet(timedelta(minutes=1))
    assert pace.is_quiet(timedelta(minutes=1, seconds=1))


def test_three_times_the_usual_silence_is_beyond_the_habit() -> None:
    pace = pace_of(said(*[60] * HABIT_GAPS))
    assert pace.habit == timedelta(minutes=3)
    assert not pace.is_beyond_habit(timedelta(minutes=3))
    assert pace.is_beyond_habit(timedelta(minutes=3, microseconds=1))


def test_one_long_silence_makes_no_habit() -> None:
    pace = pace_of(said(*[20] * 19, 3600))
    assert pace.habit == timedelta(minutes=1)


def test_nobody_is_called_silent_within_half_a_minute() -> None:
    assert pace_of(said(*[1] * 20)).habit == SHORTEST_HABIT


@given(st.lists(st.floats(-1e5, 1e5), max_size=40))
def test_a_habit_is_never_negative_nor_longer_than_three_times_the_longest_silence(gaps: list[float]) -> None:
    habit = pace_of(said(*gaps)).habit
    if habit is not None:
        longest = timedelta(seconds=max(0, *gaps))
        assert SHORTEST_HABIT <= habit <= max(SHORTEST_HABIT, 3 * longest + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("...", 0),
        ("one two, three—four", 4),
        ("don't", 2),
        ("空間を共有", 5),
        ("AI が2つ。", 4),
        ("안녕 world", 3),
        ("𠮷野家", 3),
        ("été à 10 h", 4),
    ],
)
def test_words_are_counted_as_word_processors_do(text: str, count: int) -> None:
    assert count_words(text) == count


def test_the_pace_is_that_of_the_last_five_minutes() -> None:
    messages = [*said(0, until=NOW - timedelta(minutes=5)), *said(60, 60)]
    assert pace_of(messages).words_per_minute == pytest.approx(3 * 3 / 5)


def test_the_pace_of_a_young_session_is_that_since_it_began() -> None:
    assert pace_of(said(60), began_at=NOW - timedelta(minutes=1)).words_per_minute == pytest.approx(6)


def test_the_pace_of_a_fast_session_is_that_of_the_remarks_that_are_known() -> None:
    assert pace_of(said(*[1] * 29)).words_per_minute == pytest.approx(90 / (29 / 60))


def test_nobody_talks_at_no_pace() -> None:
    assert pace_of([]).words_per_minute == 0
    assert pace_of(said(60, until=NOW - timedelta(minutes=10))).words_per_minute == 0


def test_a_clock_that_is_ahead_makes_no_endless_pace() -> None:
    assert 0 < pace_of(said(1, until=NOW + timedelta(hours=1))).words_per_minute < 100
