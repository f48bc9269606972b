"""What the search box understands."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.models import SessionState
from chatlog.domain.query import MAX_QUERY_CHARACTERS, Chip, Complaint, Field, ParsedQuery, parse_query
from chatlog.domain.search import Term

TOKYO = ZoneInfo("Asia/Tokyo")


def parse(text: str) -> ParsedQuery:
    return parse_query(text, zone=TOKYO)


def test_words_and_filters_stand_in_any_order() -> None:
    query = parse('price agent:critic tag:"two words" "exact text" status:Failed status:stalled')
    assert query.terms == (Term("price"), Term("exact text", is_quoted=True))
    assert query.values[Field.AGENT] == ("critic",)
    assert query.values[Field.TAG] == ("two words",)
    assert query.states == {SessionState.FAILED, SessionState.STALLED}
    assert query.problems == ()


def test_days_are_those_of_the_zone_and_only_the_first_is_included() -> None:
    query = parse("x after:2026-11-01 before:2026/11/20")
    assert query.since == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert query.until == datetime(2026, 11, 19, 15, tzinfo=UTC)


def test_a_chip_knows_the_text_without_it() -> None:
    assert parse("価格 agent：評論家 tag:x").chips == (
        Chip(Field.AGENT, "評論家", "価格 tag:x"),
        Chip(Field.TAG, "x", "価格 agent：評論家"),
    )


@pytest.mark.parametrize(
    ("text", "complaint", "part"),
    [
        ("x status:nope", Complaint.UNKNOWN_STATUS, "status:nope"),
        ("x after:yesterday", Complaint.NOT_A_DATE, "after:yesterday"),
        ("x after:2026-02-30", Complaint.NOT_A_DATE, "after:2026-02-30"),
        ("x before:0001-01-01", Complaint.NOT_A_DATE, "before:0001-01-01"),
        ("x agent:", Complaint.EMPTY, "agent:"),
        ('x tag:""', Complaint.EMPTY, 'tag:""'),
        ("x after:2026-11-02 before:2026-11-02", Complaint.BACKWARDS, "after:2026-11-02 before:2026-11-02"),
        ("x" * (MAX_QUERY_CHARACTERS + 1), Complaint.TOO_LONG, "1,001"),
        (" ".join(map(str, range(21))), Complaint.TOO_MANY_TERMS, "21"),
    ],
)
def test_what_is_not_understood_is_said(text: str, complaint: Complaint, part: str) -> None:
    assert [(problem.complaint, problem.part) for problem in parse(text).problems] == [(complaint, part)]


@pytest.mark.parametrize("text", ["http://a.example", "foo:bar", "12:30", ":x", "日時：未定"])
def test_other_colons_are_text(text: str) -> None:
    query = parse(text)
    assert query.problems == ()
    assert query.chips == ()
    assert len(query.terms) == 1


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    query = parse(text)
    assert query.text == text
    query.as_search()
    query.as_filter()


@given(
    st.sampled_from([Field.AGENT, Field.TAG]),
    st.text(min_size=1, max_size=30).map(lambda value: value.replace('"', "").strip()),
)
def test_a_filter_in_quotes_is_read_as_it_is_written(name: Field, value: str) -> None:
    query = parse(f'x {name}:"{value}"')
    assert query.values.get(name, ("",)) == (value,)
