from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from chatlog.domain.clock import midnight
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import SessionState, SessionStatus
from chatlog.domain.search import parse_terms
from chatlog.services.usage import get_usage_report
from chatlog.services.usage_range import UsageRange
from dashboard.list_filters import MOST_VALUES, NAMES, ListFilter, read_filter
from tests.chatlog.services.test_usage_histories import ANCHORS, MOMENTS
from tests.chatlog.services.test_usage_range import ZONES
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_session


def read(query: str, *, zone: str = "UTC") -> ListFilter:
    return read_filter(QueryDict(query), zone=ZoneInfo(zone))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- from an address to a filter ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", EVERYTHING),
        ("status=failed", SessionFilter(states=frozenset({SessionState.FAILED}))),
        ("status=failed&status=stalled", SessionFilter(states=frozenset({SessionState.FAILED, SessionState.STALLED}))),
        ("agent=critic", SessionFilter(agents=("critic",))),
        ("agent=critic&agent=企画", SessionFilter(agents=("critic", "企画"))),
        ("tag=night+run", SessionFilter(tags=("night run",))),
        ("tag=a%26b%3Dc", SessionFilter(tags=("a&b=c",))),
        ("from=2026-11-23", SessionFilter(since=at("2026-11-23T00:00Z"))),
        ("to=2026-11-23", SessionFilter(until=at("2026-11-24T00:00Z"))),
        ("from=2026-11-23&began=1", SessionFilter(since=at("2026-11-23T00:00Z"), must_begin_since=True)),
        ("to=2026-11-23&tz=Asia/Tokyo", SessionFilter(until=at("2026-11-23T15:00Z"))),
        ("began=1", EVERYTHING),
        ("tz=Asia%2FTokyo", EVERYTHING),
        ("q=%E7%A9%BA%E9%96%93", SessionFilter(terms=parse_terms("空間"))),
        ('q="two words" third', SessionFilter(terms=parse_terms('"two words" third'))),
        ("q=one&q=two", SessionFilter(terms=parse_terms("one two"))),
        ("starred=1", EVERYTHING),
    ],
)
def test_each_parameter_becomes_its_part_of_the_filter(query: str, where: SessionFilter) -> None:
    wanted = read(query)
    assert wanted.where == where
    assert wanted.problems == ()


def test_all_of_it_together_becomes_one_filter() -> None:
    wanted = read("q=room&to=2026-11-24&from=2026-11-23&tag=nightly&agent=critic&status=completed&starred=1")
    assert wanted.where == SessionFilter(
        states=frozenset({SessionState.COMPLETED}),
        agents=("critic",),
        tags=("nightly",),
        since=at("2026-11-23T00:00Z"),
        until=at("2026-11-25T00:00Z"),
        terms=parse_terms("room"),
    )
    assert wanted.is_starred_first


@pytest.mark.parametrize("state", list(SessionState))
def test_every_status_can_be_asked_for(state: SessionState) -> None:
    wanted = read(f"status={state}")
    assert (wanted.where.states, wanted.problems) == ({state}, ())


@pytest.mark.parametrize(
    "query", ["", "status=&agent=&tag=&from=&to=&began=&tz=&q=&starred=", "agent=++%09&q=+", "cursor=x&page=2&deleted=y"]
)
def test_what_is_empty_or_no_filter_is_not_there(query: str) -> None:
    wanted = read(query)
    assert wanted == ListFilter(EVERYTHING, is_starred_first=False, values={}, query="", chips=(), problems=())


def test_the_same_value_twice_is_one() -> None:
    wanted = read("agent=critic&agent=+critic+&status=failed&status=failed")
    assert wanted.where.agents == ("critic",)
    assert [(chip.name, chip.value) for chip in wanted.chips] == [("status", "failed"), ("agent", "critic")]


# -- and back to an address -----------------------------------------------------------------------------------------------

values = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
known = st.sampled_from(["running", "failed", "2026-11-23", "2026-11-24", "1", "Asia/Tokyo"])


@given(st.lists(st.tuples(st.sampled_from(NAMES), values | known), max_size=12))
def test_the_address_it_writes_is_read_as_the_same_filter(pairs: list[tuple[str, str]]) -> None:
    wanted = read(urlencode(pairs))
    assert read(wanted.query) == wanted


def test_the_same_filters_have_the_same_address_in_whatever_order_they_were_picked() -> None:
    assert read("q=b&agent=x&status=failed").query == read("status=failed&q=b&agent=x").query == "status=failed&agent=x&q=b"


def test_what_was_not_understood_stays_in_the_form_and_the_address() -> None:
    wanted = read("status=lost&from=yesterday")
    assert wanted.values == {"status": ["lost"], "from": ["yesterday"]}
    assert wanted.query == "status=lost&from=yesterday"


# -- chips ----------------------------------------------------------------------------------------------------------------


def test_a_chip_holds_the_address_without_it() -> None:
    wanted = read("status=failed&status=stalled&agent=企画&q=a%26b&starred=1")
    assert [(chip.name, chip.value, chip.query_without) for chip in wanted.chips] == [
        ("status", "failed", f"status=stalled&agent={quote('企画')}&q=a%26b&starred=1"),
        ("status", "stalled", f"status=failed&agent={quote('企画')}&q=a%26b&starred=1"),
        ("agent", "企画", "status=failed&status=stalled&q=a%26b&starred=1"),
        ("q", "a&b", f"status=failed&status=stalled&agent={quote('企画')}&starred=1"),
        ("starred", "1", f"status=failed&status=stalled&agent={quote('企画')}&q=a%26b"),
    ]


def test_the_days_and_what_they_mean_are_taken_off_one_by_one() -> None:
    wanted = read("tz=Asia/Tokyo&began=1&from=2026-11-23")
    assert [(chip.name, chip.value, chip.query_without) for chip in wanted.chips] == [
        ("from", "2026-11-23", "began=1&tz=Asia%2FTokyo"),
        ("began", "1", "from=2026-11-23&tz=Asia%2FTokyo"),
        ("tz", "Asia/Tokyo", "from=2026-11-23&began=1"),
    ]


def test_the_last_chip_leads_to_the_whole_list() -> None:
    [chip] = read("agent=critic").chips
    assert chip.query_without == ""


@given(st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=8))
def test_taking_every_chip_off_in_turn_ends_without_a_filter(pairs: list[tuple[str, str]]) -> None:
    wanted = read(urlencode(pairs))
    while wanted.chips:
        count = len(wanted.chips)
        wanted = read(wanted.chips[-1].query_without)
        assert len(wanted.chips) == count - 1
    assert (wanted.where, wanted.values, wanted.problems) == (EVERYTHING, {}, ())


def test_what_was_not_understood_can_be_taken_off_too() -> None:
    wanted = read("status=lost&agent=critic")
    [without] = [chip.query_without for chip in wanted.chips if chip.name == "status"]
    assert read(without).problems == ()
    assert read(without).where.agents == ("critic",)


# -- days -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "since", "until"),
    [
        ("UTC", "2026-11-23T00:00Z", "2026-11-24T00:00Z"),
        ("Asia/Tokyo", "2026-11-22T15:00Z", "2026-11-23T15:00Z"),
        ("America/Los_Angeles", "2026-11-23T08:00Z", "2026-11-24T08:00Z"),
        ("Asia/Kathmandu", "2026-11-22T18:15Z", "2026-11-23T18:15Z"),
        ("Pacific/Kiritimati", "2026-11-22T10:00Z", "2026-11-23T10:00Z"),
    ],
)
def test_a_day_is_the_viewers_day_with_both_ends(zone: str, since: str, until: str) -> None:
    where = read("from=2026-11-23&to=2026-11-23", zone=zone).where
    assert where.since is not None
    assert where.until is not None
    # In UTC: two times of one zone are compared by their clocks alone.
    assert where.since.astimezone(UTC) == at(since)
    assert where.until.astimezone(UTC) == at(until)


@pytest.mark.parametrize("viewer", ["UTC", "America/Los_Angeles"])
def test_an_address_may_say_whose_days_it_means_whoever_looks(viewer: str) -> None:
    where = read("from=2026-11-23&to=2026-11-23&tz=Asia/Kathmandu", zone=viewer).where
    assert where == SessionFilter(since=at("2026-11-22T18:15Z"), until=at("2026-11-23T18:15Z"))


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ANCHORS),
    st.lists(st.tuples(st.integers(-2, 2), st.sampled_from(MOMENTS), st.sampled_from(SessionStatus)), max_size=8),
)
def test_a_link_to_a_bar_of_the_usage_page_leads_to_the_sessions_in_it(
    zone: str, anchor: date, begun: list[tuple[int, timedelta, SessionStatus]]
) -> None:
    sessions = [
        replace(make_session(created_at=midnight(anchor + timedelta(days=day), ZoneInfo(zone)) + moment), status=status)
        for day, moment, status in begun
    ]
    now = datetime(2027, 1, 1, tzinfo=UTC)
    stretch = UsageRange(anchor - timedelta(days=1), anchor + timedelta(days=1), ZoneInfo(zone))
    report = asyncio.run(get_usage_report(MemoryUsage(sessions), stretch, now=now))
    for bar in report.days:
        where = read(urlencode({"from": bar.day, "to": bar.day, "began": 1, "tz": zone}), zone="Asia/Tokyo").where
        listed = [session.status for session in sessions if where.accepts(session, now=now)]
        assert bar.sessions == {status: listed.count(status) for status in SessionStatus}


@pytest.mark.parametrize("name", ["Mars/Phobos", "tokyo", "../../etc/passwd", "/etc/localtime", "+09:00", "Asia", "\x00", "%s"])
def test_an_unknown_zone_is_said_and_the_days_are_the_viewers(name: str) -> None:
    wanted = read(urlencode({"from": "2026-11-23", "tz": name}), zone="Asia/Tokyo")
    assert wanted.problems == (f"“{name}” is no time zone. Write it like Asia/Tokyo.",)
    assert wanted.where == SessionFilter(since=at("2026-11-22T15:00Z"))


@pytest.mark.parametrize("value", ["0", "true", "11"])
def test_that_they_began_is_asked_for_or_not(value: str) -> None:
    wanted = read(f"began={value}&from=2026-11-23")
    assert wanted.problems == (f"began={value} is not understood; use began=1.",)
    assert wanted.where == SessionFilter(since=at("2026-11-23T00:00Z"))


def test_one_day_is_from_and_to_and_not_backwards() -> None:
    assert read("from=2026-11-23&to=2026-11-23").problems == ()


def test_days_that_run_backwards_are_said_and_left_out() -> None:
    wanted = read("from=2026-11-24&to=2026-11-23&agent=critic")
    assert wanted.problems == ("From 2026-11-24 to 2026-11-23 runs backwards. Swap the two days.",)
    assert wanted.where == SessionFilter(agents=("critic",))
    assert [chip.name for chip in wanted.chips] == ["agent", "from", "to"]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-31", "2026-13-01", "23.11.2026", "2026-11-23T14:30", "2026-11-23Z", "-1", "٢٠٢٦-١١-٢٣"]
)
def test_what_is_no_day_is_said(name: str, text: str) -> None:
    wanted = read(urlencode({name: text}))
    assert wanted.problems == (f"“{text}” is no day. Write it like 2026-11-23.",)
    assert wanted.where == EVERYTHING


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "0001-01-04", "9999-12-28", "9999-12-30", "9999-12-31"])
def test_the_ends_of_time_are_a_time_in_every_zone_or_no_day(day: str, zone: str) -> None:
    wanted = read(f"from={day}&to={day}", zone=zone)
    if not wanted.problems:
        assert wanted.where.since is not None
        assert wanted.where.until is not None
        assert wanted.where.since.astimezone(UTC) < wanted.where.until.astimezone(UTC)


# -- what is not understood -----------------------------------------------------------------------------------------------


def test_an_unknown_status_is_said_with_those_that_there_are() -> None:
    wanted = read("status=lost&status=failed")
    assert wanted.problems == ("“lost” is no status. There are: running, stalled, completed, failed, cancelled.",)
    assert wanted.where.states == {SessionState.FAILED}


@pytest.mark.parametrize("value", ["Failed", "active", "failed;", "failed\x00", "%s", "%(value)s"])
def test_a_status_is_one_to_the_letter(value: str) -> None:
    [problem] = read(urlencode({"status": value})).problems
    assert problem.startswith(f"“{value}” is no status.")


@pytest.mark.parametrize("value", ["0", "true", "11"])
def test_a_star_is_one_or_not_there(value: str) -> None:
    wanted = read(f"starred={value}")
    assert wanted.problems == (f"starred={value} is not understood; use starred=1.",)
    assert not wanted.is_starred_first


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("agent=" + "x" * 256, "“" + "x" * 39 + "…” is too long; the limit is 255 characters."),
        ("tag=" + "x" * 101, "“" + "x" * 39 + "…” is too long; the limit is 100 characters."),
        ("q=" + "x" * 1001, "The text has 1,001 characters; the limit is 1,000."),
        ("q=" + "+".join(f"w{n}" for n in range(21)), "The text has 21 words; the limit is 20."),
        ("&".join(f"tag={n}" for n in range(11)), "tag is given 11 times; the limit is 10."),
        ("&".join(f"agent={n}" for n in range(11)), "agent is given 11 times; the limit is 10."),
    ],
)
def test_what_is_too_much_is_said_with_the_limit(query: str, problem: str) -> None:
    assert read(query).problems == (problem,)


def test_what_just_fits_is_no_problem() -> None:
    words = " ".join(f"w{n}" for n in range(20))
    pairs = [("agent", "a" * 255), ("tag", "t" * 100), ("q", words), *(("agent", str(n)) for n in range(MOST_VALUES - 1))]
    wanted = read(urlencode(pairs))
    assert wanted.problems == ()
    assert (len(wanted.where.agents), len(wanted.where.tags), len(wanted.where.terms)) == (MOST_VALUES, 1, 20)


def test_no_more_is_looked_for_than_the_limits_allow() -> None:
    many = [("agent", str(n)) for n in range(300)] + [("tag", str(n)) for n in range(300)]
    where = read(urlencode([*many, ("q", " ".join(f"w{n}" for n in range(100)))])).where
    assert (len(where.agents), len(where.tags), len(where.terms)) == (MOST_VALUES, MOST_VALUES, 20)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", ["x" * 10_000, "長" * 10_000, "\u202e" * 10_000, '"' * 10_000 + "x"], ids=["x", "長", "RLO", "quotes"]
)
def test_a_value_of_ten_thousand_characters_is_said_in_a_short_sentence(name: str, value: str) -> None:
    wanted = read(urlencode({name: value, "status" if name != "status" else "agent": "failed"}))
    [problem] = wanted.problems
    assert len(problem) < 150
    assert len(wanted.chips) == 2  # the other one is in force
    assert wanted.where in (SessionFilter(states=frozenset({SessionState.FAILED})), SessionFilter(agents=("failed",)))


def test_every_problem_is_told_at_once() -> None:
    assert len(read("status=lost&from=x&to=y&starred=2&tag=" + "t" * 101).problems) == 5


def test_problems_are_told_in_the_viewers_language() -> None:
    english = read("status=lost&from=x&starred=2&from=2026-11-24").problems
    with translation.override("ja"):
        japanese = read("status=lost&from=x&starred=2&from=2026-11-24").problems
    assert len(english) == len(japanese)
    assert not set(english) & set(japanese)
