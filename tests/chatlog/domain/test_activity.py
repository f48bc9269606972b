from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.activity import MAX_BUCKETS, Activity

START = datetime(2026, 11, 23, tzinfo=UTC)
offsets = st.lists(st.integers(-10, 10_000_000), max_size=50)


def moments(seconds: list[int]) -> list[datetime]:
    return [START + timedelta(seconds=number) for number in seconds]


@given(offsets)
def test_every_message_counts_once_in_at_most_32_stretches(seconds: list[int]) -> None:
    activity = Activity().after(moments(seconds), start=START)
    assert sum(activity.counts) == len(seconds)
    assert len(activity.counts) <= MAX_BUCKETS
    assert not activity.counts or activity.counts[-1] > 0


@given(offsets, offsets)
def test_it_does_not_matter_how_they_came_in_groups(first: list[int], second: list[int]) -> None:
    at_once = Activity().after(moments(first + second), start=START)
    assert Activity().after(moments(first), start=START).after(moments(second), start=START) == at_once


def test_stretches_double_when_a_session_outgrows_them() -> None:
    activity = Activity().after(moments([0, 1, 31]), start=START)
    assert (activity.width, len(activity.counts)) == (timedelta(seconds=1), 32)
    grown = activity.after(moments([32]), start=START)
    assert (grown.width, grown.counts[0], len(grown.counts)) == (timedelta(seconds=2), 2, 17)
