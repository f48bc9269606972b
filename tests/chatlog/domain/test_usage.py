"""Counting a day, and the form in which a day is kept."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain import limits
from chatlog.domain.models import SessionStatus
from chatlog.domain.usage import AgentDay, UsageDay, UsageTally, check_stretch, quarter_of, tokens_in
from chatlog.errors import InvalidInput
from chatlog.storage.usage_documents import usage_day_from_document, usage_day_to_document

DAY = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
ALMOST = timedelta(microseconds=1)


def add(tally: UsageTally, minutes: float, source: str = "alice", letters: int = 5, usage: Any = None) -> None:
    tally.add_message(timestamp=MIDNIGHT + timedelta(minutes=minutes), source=source, letters=letters, models_usage=usage)


def test_a_day_without_anything_has_no_figures() -> None:
    assert UsageTally(DAY).close() is None


def test_remarks_are_counted_by_agent_and_quarter_with_their_lengths_in_order() -> None:
    tally = UsageTally(DAY)
    add(tally, 20, letters=7, usage={"prompt_tokens": 10, "completion_tokens": 3})
    add(tally, 16, letters=2, usage={"prompt_tokens": "many", "completion_tokens": True})
    add(tally, 0, letters=9)
    add(tally, 0, "bob", letters=0)
    assert tally.close() == UsageDay(
        DAY,
        (),
        {
            "alice": AgentDay((), (0, 1), (1, 2), (0, 10), (0, 3), (9, 2, 7)),
            "bob": AgentDay((), (0,), (1,), (0,), (0,), (0,)),
        },
    )


def test_a_session_counts_for_its_status_and_for_everybody_in_it() -> None:
    tally = UsageTally(DAY)
    for minutes, status in ((0, SessionStatus.FAILED), (14, SessionStatus.FAILED), (15, SessionStatus.ACTIVE)):
        tally.add_session(created_at=MIDNIGHT + timedelta(minutes=minutes), status=status, participants=("b", "a"))
    figures = tally.close()
    assert figures is not None
    assert figures.outcomes == ((0, SessionStatus.FAILED, 2), (1, SessionStatus.ACTIVE, 1))
    assert list(figures.agents) == ["a", "b"]
    assert figures.agents["a"].sessions == ((0, 2), (1, 1))


@pytest.mark.parametrize(
    ("moment", "quarter"),
    [
        (MIDNIGHT, 0),
        (MIDNIGHT + timedelta(minutes=15) - ALMOST, 0),
        (MIDNIGHT + timedelta(minutes=15), 1),
        (MIDNIGHT - ALMOST, 95),
        (datetime.fromisoformat("2026-11-23T09:15:00+05:45"), 14),
    ],
)
def test_quarters_begin_exactly(moment: datetime, quarter: int) -> None:
    assert quarter_of(moment) == quarter


@pytest.mark.parametrize("value", [None, -1, 1.5, "7", True, limits.MAX_INTEGER + 1, [], {}])
def test_what_is_no_count_of_tokens_counts_nothing(value: object) -> None:
    assert tokens_in({"prompt_tokens": value}, "prompt_tokens") == 0


remarks = st.tuples(
    st.integers(0, 24 * 60 * 60 - 1),
    st.sampled_from(["alice", "市場分析", 'a"b', "x" * 255]),
    st.integers(0, 100_000),
    st.none() | st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens"]), st.integers(0, 10**6)),
)
sessions = st.tuples(st.integers(0, 24 * 60 * 60 - 1), st.sampled_from(SessionStatus), st.sets(st.sampled_from("abc")))


@given(st.lists(remarks), st.lists(sessions))
def test_a_day_is_read_as_it_was_written(said: list[Any], begun: list[Any]) -> None:
    tally = UsageTally(DAY)
    for seconds, source, letters, usage in said:
        moment = MIDNIGHT + timedelta(seconds=seconds)
        tally.add_message(timestamp=moment, source=source, letters=letters, models_usage=usage)
    for seconds, status, participants in begun:
        tally.add_session(created_at=MIDNIGHT + timedelta(seconds=seconds), status=status, participants=participants)
    figures = tally.close()
    if figures is None:
        assert not said
        assert not begun
    else:
        assert usage_day_from_document(json.loads(json.dumps(usage_day_to_document(figures)))) == figures
        assert sum(sum(agent.messages) for agent in figures.agents.values()) == len(said)
        assert sum(count for _, _, count in figures.outcomes) == len(begun)


def test_a_day_of_another_form_is_not_misread() -> None:
    document = usage_day_to_document(UsageDay(DAY))
    assert usage_day_from_document(document) == UsageDay(DAY)
    assert usage_day_from_document({**document, "form": 0}) is None


def test_a_stretch_has_a_beginning_an_end_and_a_limit() -> None:
    check_stretch(DAY, DAY + timedelta(days=limits.MAX_USAGE_DAYS))
    with pytest.raises(InvalidInput, match=r"2026-11-23 is not after 2026-11-23"):
        check_stretch(DAY, DAY)
    with pytest.raises(InvalidInput, match=r"3,661 days; the limit is 3,660"):
        check_stretch(DAY, DAY + timedelta(days=limits.MAX_USAGE_DAYS + 1))
