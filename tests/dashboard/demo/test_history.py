from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from chatlog import SessionStatus
from dashboard.demo.history import PastDiscussion, list_history

UNTIL = datetime(2026, 11, 23, tzinfo=UTC)


def make(sessions: int, messages: int, *, seed: int = 1, days: int = 30) -> list[PastDiscussion]:
    return list(list_history(sessions=sessions, messages=messages, seed=seed, until=UNTIL, days=days))


@pytest.mark.parametrize(("sessions", "messages"), [(1, 1), (7, 7), (50, 1000), (10, 3), (3, 0)])
def test_there_are_as_many_as_wanted(sessions: int, messages: int) -> None:
    history = make(sessions, messages)
    assert len(history) == sessions
    assert sum(len(past.drafts) for past in history) == messages


def test_the_same_seed_makes_the_same_and_another_other_ones() -> None:
    assert make(20, 200) == make(20, 200)
    assert {past.session.task for past in make(20, 200)} != {past.session.task for past in make(20, 200, seed=2)}
    assert not {past.session.session_id for past in make(20, 200)} & {past.session.session_id for past in make(20, 200, seed=2)}


def test_all_of_it_lies_within_the_days_and_in_order() -> None:
    for session, drafts in make(200, 4000, days=10):
        assert UNTIL - timedelta(days=11) < session.created_at
        times = [session.created_at, *(draft.timestamp for draft in drafts), UNTIL]
        assert times == sorted(times)
        assert {draft.source for draft in drafts} <= set(session.participants)
        assert len({draft.message_id for draft in drafts}) == len(drafts)


def test_it_is_as_varied_as_what_people_keep() -> None:
    history = make(500, 10_000)
    statuses = Counter(past.session.status for past in history)
    assert set(statuses) == set(SessionStatus)
    assert statuses[SessionStatus.COMPLETED] > 350
    kinds = Counter(draft.kind for past in history for draft in past.drafts)
    assert {"text", "tool_call", "tool_result", "thought", "error"} <= set(kinds)
    lengths = sorted(len(past.drafts) for past in history)
    assert lengths[-1] > 5 * lengths[250], "lengths have no long tail"
    tasks = [past.session.task for past in history]
    assert 150 < sum(task.isascii() or "“" in task for task in tasks) < 350, "one of the two languages is missing"
