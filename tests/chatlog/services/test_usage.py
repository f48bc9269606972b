"""Figures of use: the same as counting every session and remark anew, whatever the zone's clocks do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from chatlog.domain import limits
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session, SessionStatus
from chatlog.services import usage
from chatlog.services.usage import AgentUsage, DayUsage, UsageReport, UsageTotals, get_usage_report
from chatlog.services.usage_range import UsageRange
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_message, make_session

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
WEEK = UsageRange(date(2026, 11, 19), date(2026, 11, 25), TOKYO)
NOBODY = dict.fromkeys(SessionStatus, 0)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def begun(moment: str, status: SessionStatus = SessionStatus.COMPLETED, *names: str, messages: int = 0) -> Session:
    session = make_session(created_at=at(moment), participants=names)
    return replace(session, status=status, message_count=messages)


def said(moment: str, source: str = "ann", letters: int = 10, **overrides: object) -> Message:
    return make_message(timestamp=at(moment), source=source, content="字" * letters, **overrides)


async def report_of(
    sessions: Iterable[Session] = (), messages: Iterable[Message] = (), stretch: UsageRange = WEEK
) -> UsageReport:
    return await get_usage_report(MemoryUsage(list(sessions), list(messages)), stretch, now=NOW)


async def test_days_without_anything_are_zeros() -> None:
    report = await report_of()
    assert report == UsageReport(
        range=WEEK,
        made_at=NOW,
        totals=UsageTotals(0, 0, 0),
        before=UsageTotals(0, 0, 0),
        running=0,
        days=tuple(DayUsage(date(2026, 11, number), {}, NOBODY) for number in range(19, 26)),
        hours=((0,) * 24,) * 7,
        agents=(),
        busiest=(),
    )
    assert report.totals.messages_per_session is None


async def test_a_session_counts_on_the_day_it_began_by_its_status() -> None:
    report = await report_of(
        [
            begun("2026-11-22T14:59:59.999999Z", SessionStatus.FAILED, "ann"),
            begun("2026-11-22T15:00:00Z", SessionStatus.ACTIVE, "ann", "bob"),
            begun("2026-11-23T14:59:59.999999Z", SessionStatus.COMPLETED, "ann"),
            begun("2026-11-18T14:59:59.999999Z", SessionStatus.COMPLETED, "before"),
            begun("2026-11-25T15:00:00Z", SessionStatus.COMPLETED, "after"),
        ]
    )
    by_day = {day.day.day: {status: count for status, count in day.sessions.items() if count} for day in report.days}
    assert by_day[22] == {SessionStatus.FAILED: 1}
    assert by_day[23] == {SessionStatus.ACTIVE: 1, SessionStatus.COMPLETED: 1}
    assert [day for day in by_day if by_day[day]] == [22, 23]
    assert report.totals == UsageTotals(sessions=3, messages=0, agents=2)
    assert report.before == UsageTotals(sessions=1, messages=0, agents=1)
    assert [(agent.name, agent.sessions) for agent in report.agents] == [("ann", 3), ("bob", 1)]


async def test_a_remark_counts_when_it_was_said_by_whom_and_at_which_hour_of_the_week() -> None:
    report = await report_of(
        messages=[
            said("2026-11-22T14:59:59.999999Z"),  # Sunday 23:59
            said("2026-11-22T15:00Z"),  # Monday 0:00
            said("2026-11-22T15:20Z", "bob"),
            said("2026-11-25T14:59:59.999999Z", "bob"),  # Wednesday 23:59
            said("2026-11-25T15:00Z", "bob"),  # tomorrow
        ]
    )
    assert [dict(day.messages) for day in report.days] == [{}, {}, {}, {"ann": 1}, {"ann": 1, "bob": 1}, {}, {"bob": 1}]
    filled = {(day, hour): count for day, row in enumerate(report.hours) for hour, count in enumerate(row) if count}
    assert filled == {(6, 23): 1, (0, 0): 2, (2, 23): 1}
    assert report.totals == UsageTotals(sessions=0, messages=4, agents=2)


async def test_agents_come_with_their_share_the_one_who_said_most_first() -> None:
    costs = {"prompt_tokens": 100, "completion_tokens": 7}
    report = await report_of(
        [begun("2026-11-23T00:00Z", SessionStatus.ACTIVE, "silent")],
        [
            said("2026-11-23T00:00Z", "bob", 60),
            said("2026-11-23T00:01Z", "ann", 10),
            said("2026-11-24T00:00Z", "ann", 20, models_usage=costs),
            said("2026-11-24T00:00Z", "ann", 3, models_usage=costs),
            said("2026-11-24T00:00Z", "ann", 7, models_usage={"prompt_tokens": 1}),
        ],
    )
    assert report.agents == (
        AgentUsage("ann", 0, 4, 40, 0.4, 8.5, 201, 14),
        AgentUsage("bob", 0, 1, 60, 0.6, 60.0, None, None),
        AgentUsage("silent", 1, 0, 0, 0.0, None, None, None),
    )


async def test_nobody_has_a_share_where_nobody_wrote_anything() -> None:
    [agent] = (await report_of([begun("2026-11-23T00:00Z", SessionStatus.ACTIVE, "ann")])).agents
    assert agent.share is None


async def test_the_period_before_is_as_long_and_counts_apart() -> None:
    report = await report_of(
        [begun("2026-11-12T15:00Z"), begun("2026-11-11T14:59:59.999999Z")],
        [
            said("2026-11-18T14:59:59.999999Z"),
            said("2026-11-11T15:00Z", "bob"),
            said("2026-11-11T14:59Z"),
            said("2026-11-20T00:00Z"),
        ],
    )
    assert report.before == UsageTotals(sessions=1, messages=2, agents=2)
    assert report.before.messages_per_session == 2.0
    assert report.totals == UsageTotals(sessions=0, messages=1, agents=1)


async def test_running_sessions_are_those_of_the_list_whenever_they_began() -> None:
    now = utc_now()
    old = begun("2025-01-01T00:00Z", SessionStatus.ACTIVE)
    sessions = [
        replace(old, session_id="heard", last_message_at=now),
        replace(old, session_id="silent"),
        replace(old, session_id="ended", last_message_at=now, status=SessionStatus.FAILED),
    ]
    assert (await report_of(sessions)).running == 1


async def test_more_running_sessions_than_a_list_holds_are_counted_as_many_as_it_holds() -> None:
    session = make_session()
    sessions = [replace(session, session_id=str(number)) for number in range(limits.MAX_LIST_LIMIT + 5)]
    assert (await report_of(sessions)).running == limits.MAX_LIST_LIMIT


async def test_the_busiest_are_ten_of_those_that_began_in_the_days() -> None:
    inside = [begun("2026-11-23T00:00Z", messages=number) for number in range(12)]
    report = await report_of([*inside, begun("2026-11-18T00:00Z", messages=99)])
    assert [session.message_count for session in report.busiest] == list(range(11, 1, -1))


async def test_a_range_of_ten_years_is_read_in_pieces_that_a_store_takes() -> None:
    store = MemoryUsage(
        [begun("2016-11-25T12:00Z"), begun("2016-11-23T12:00Z")], [said("2026-11-25T12:00Z"), said("2007-01-01T00:00Z")]
    )
    decade = UsageRange(date(2016, 11, 25), date(2026, 11, 25), ZoneInfo("Etc/GMT+12"))
    report = await get_usage_report(store, decade, now=NOW)
    assert len(report.days) == 3653
    assert report.totals == UsageTotals(sessions=1, messages=1, agents=1)
    assert report.before == UsageTotals(sessions=1, messages=1, agents=1)
    assert [first for first, _ in store.asked[1:]] == [last for _, last in store.asked[:-1]]
    assert (store.asked[0][0], store.asked[-1][1]) == (date(2006, 11, 25), date(2026, 11, 27))


async def test_a_day_that_never_was_is_a_zero_and_takes_nothing_from_its_neighbours() -> None:
    apia = ZoneInfo("Pacific/Apia")
    store = MemoryUsage([begun("2011-12-30T09:59Z"), begun("2011-12-30T10:00Z")], [said("2011-12-30T10:00Z")])
    report = await get_usage_report(store, UsageRange(date(2011, 12, 29), date(2011, 12, 31), apia), now=NOW)
    assert [sum(day.sessions.values()) for day in report.days] == [1, 0, 1]
    assert [sum(day.messages.values()) for day in report.days] == [0, 0, 1]
    report = await get_usage_report(store, UsageRange(date(2011, 12, 30), date(2011, 12, 30), apia), now=NOW)
    assert report.totals == UsageTotals(0, 0, 0)
    assert report.busiest == ()


async def test_what_is_long_to_fold_comes_out_the_same_from_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [begun("2026-11-23T00:00Z", SessionStatus.ACTIVE, "ann")]
    messages = [said(f"2026-11-{day}T{day}:30Z", "ann", day) for day in range(10, 24)]
    short = await report_of(sessions, messages)
    monkeypatch.setattr(usage, "LONG_MESSAGES", 13)
    assert await report_of(sessions, messages) == short


async def test_remarks_of_edge_days_have_their_own_lengths_and_tokens() -> None:
    """Of a UTC day that two days share, each has its part of the columns."""
    costs = [{"prompt_tokens": 10**number, "completion_tokens": 2 * 10**number} for number in range(4)]
    messages = [
        said("2026-11-22T14:50Z", "ann", 1, models_usage=costs[0]),
        said("2026-11-22T14:50Z", "ann", 9, models_usage=costs[1]),
        said("2026-11-22T15:00Z", "ann", 4, models_usage=costs[2]),
        said("2026-11-22T23:59Z", "ann", 2, models_usage=costs[3]),
    ]
    for day, expected in ((22, (2, 10, 5.0, 11, 22)), (23, (2, 6, 3.0, 1100, 2200))):
        stretch = UsageRange(date(2026, 11, day), date(2026, 11, day), TOKYO)
        [agent] = (await report_of(messages=messages, stretch=stretch)).agents
        figures = (agent.messages, agent.letters, agent.median_length, agent.prompt_tokens, agent.completion_tokens)
        assert figures == expected
