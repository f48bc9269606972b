"""Five hundred generated histories: the report is what comes out of looking at every session and remark."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.domain.models import Message, Session, SessionStatus
from chatlog.domain.usage import QUARTER
from chatlog.services.usage import UsageReport, get_usage_report
from chatlog.services.usage_range import UsageRange
from tests.chatlog.services.test_usage_range import ZONES
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_message, make_session

NAMES = ("ann", "bob", "企画", 'a"b')
# Days on which clocks change, both ways and on both halves of the earth, at midnight too, or a day is left out.
CHANGES = tuple(
    (zone, date.fromisoformat(day))
    for zone, days in {
        "Europe/Berlin": ("2026-03-29", "2026-10-25"),
        "America/New_York": ("2026-03-08", "2026-11-01"),
        "America/St_Johns": ("2026-03-08", "2026-11-01"),
        "America/Havana": ("2026-03-08", "2026-11-01"),
        "America/Sao_Paulo": ("2018-02-17", "2018-11-04"),
        "Africa/Cairo": ("2026-04-24", "2026-10-29"),
        "Asia/Beirut": ("2026-03-29", "2026-10-24"),
        "Australia/Sydney": ("2026-04-05", "2026-10-04"),
        "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
        "Pacific/Chatham": ("2026-04-05", "2026-09-27"),
        "Pacific/Apia": ("2011-12-30",),
    }.items()
    for day in days
)
# And ends of months and years, and days like others.
ANCHORS = (*(day for _, day in CHANGES), *map(date.fromisoformat, ("2024-02-29", "2026-02-28", "2026-12-31", "2026-11-23")))
PLACES = st.sampled_from(CHANGES) | st.tuples(st.sampled_from(ZONES), st.sampled_from(ANCHORS))
MOMENTS = (timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1), timedelta(minutes=15), timedelta(hours=-1))
NOW = datetime(2027, 1, 1, tzinfo=UTC)
texts = st.integers(0, 40) | st.sampled_from([0, 10_000])
usages = st.none() | st.fixed_dictionaries(
    {}, optional={"prompt_tokens": st.integers(0, 999), "completion_tokens": st.integers(0, 999)}
)


def brute_midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@st.composite
def histories(draw: st.DrawFn) -> tuple[UsageRange, list[Session], list[Message]]:
    name, anchor = draw(PLACES)
    zone = ZoneInfo(name)
    count = draw(st.sampled_from([1, 2, 7, 30]))
    first = anchor - timedelta(days=draw(st.integers(0, count - 1)))
    stretch = UsageRange(first, first + timedelta(days=count - 1), zone)
    days = st.just(anchor) | st.integers(-count - 1, count + 1).map(lambda number: first + timedelta(days=number))
    edges = st.builds(lambda day, moment: brute_midnight(day, zone) + moment, days, st.sampled_from(MOMENTS))
    quarters = st.builds(lambda day, number: brute_midnight(day, zone) + number * QUARTER, days, st.integers(0, 100))
    moments = edges | quarters
    sessions = [
        replace(make_session(created_at=begin, participants=names), status=status, message_count=messages)
        for begin, names, status, messages in draw(
            st.lists(
                st.tuples(moments, st.sets(st.sampled_from(NAMES)), st.sampled_from(SessionStatus), st.integers(0, 9)),
                max_size=15,
            )
        )
    ]
    messages = [
        make_message(timestamp=moment, source=source, content="字" * letters, models_usage=usage)
        for moment, source, letters, usage in draw(
            st.lists(st.tuples(moments, st.sampled_from(NAMES), texts.filter(bool), usages), max_size=30)
        )
    ]
    return stretch, sessions, messages


@given(histories())
@settings(max_examples=500, deadline=None)
def test_a_report_is_what_counting_everything_gives(history: tuple[UsageRange, list[Session], list[Message]]) -> None:
    stretch, sessions, messages = history
    report = asyncio.run(get_usage_report(MemoryUsage(sessions, messages), stretch, now=NOW))
    zone = ZoneInfo(str(stretch.zone))
    compare(report, sessions, messages, zone)
    for day, found in zip(stretch.days, report.days, strict=True):
        begin, end = brute_midnight(day, zone), brute_midnight(day + timedelta(days=1), zone)
        assert found.day == day
        assert found.messages == Counter(message.source for message in messages if begin <= message.timestamp < end)
        statuses = [session.status for session in sessions if begin <= session.created_at < end]
        assert found.sessions == {status: statuses.count(status) for status in SessionStatus}


def compare(report: UsageReport, sessions: list[Session], messages: list[Message], zone: ZoneInfo) -> None:
    first, count = report.range.days[0], len(report.range.days)
    borders = [brute_midnight(first + timedelta(days=number * count), zone) for number in (-1, 0, 1)]
    before, said = ([m for m in messages if begin <= m.timestamp < end] for begin, end in pairwise(borders))
    earlier, begun = ([s for s in sessions if begin <= s.created_at < end] for begin, end in pairwise(borders))
    for totals, its_sessions, its_messages in ((report.totals, begun, said), (report.before, earlier, before)):
        names = {name for session in its_sessions for name in session.participants} | {m.source for m in its_messages}
        assert (totals.sessions, totals.messages, totals.agents) == (len(its_sessions), len(its_messages), len(names))
    hours = Counter((m.timestamp.astimezone(zone).weekday(), m.timestamp.astimezone(zone).hour) for m in said)
    assert {(day, hour): n for day, row in enumerate(report.hours) for hour, n in enumerate(row) if n} == hours
    assert [len(row) for row in report.hours] == [24] * 7
    assert [agent.messages for agent in report.agents] == sorted((a.messages for a in report.agents), reverse=True)
    letters = sum(len(message.content) for message in said)
    for agent in report.agents:
        own = [message for message in said if message.source == agent.name]
        lengths = [len(message.content) for message in own]
        assert agent.messages == len(own)
        assert agent.sessions == sum(agent.name in session.participants for session in begun)
        assert agent.letters == sum(lengths)
        assert agent.share == (sum(lengths) / letters if letters else None)
        assert agent.median_length == (median(lengths) if lengths else None)
        assert agent.prompt_tokens == (tokens(own, "prompt_tokens") or None)
        assert agent.completion_tokens == (tokens(own, "completion_tokens") or None)
    busiest = sorted(begun, key=lambda session: (session.message_count, session.created_at), reverse=True)[:10]
    assert [session.message_count for session in report.busiest] == [session.message_count for session in busiest]


def tokens(messages: list[Message], name: str) -> int:
    costs: list[Any] = [message.models_usage for message in messages]
    return sum(cost.get(name, 0) for cost in costs if cost)


def test_a_quarter_that_a_clock_change_cuts_counts_where_it_begins() -> None:
    """Newfoundland's clocks went from 0:01 back to 23:01: the days are cut exactly, hours at the quarter before."""
    zone = ZoneInfo("America/St_Johns")
    moments = [datetime.fromisoformat(f"2010-11-07T02:{minute}Z") for minute in ("29", "30", "31", "44", "45")]
    messages = [make_message(timestamp=moment, source="ann") for moment in moments]
    stretch = UsageRange(date(2010, 11, 6), date(2010, 11, 7), zone)
    report = asyncio.run(get_usage_report(MemoryUsage([], messages), stretch, now=NOW))
    assert [dict(day.messages) for day in report.days] == [{"ann": 1}, {"ann": 4}]
    # 23:29 + 0:00, and 0:01, which is 23:01 again, with it.
    assert (report.hours[5][23], report.hours[6][0]) == (2, 3)
