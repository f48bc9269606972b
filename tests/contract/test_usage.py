"""What every store promises about figures of use: the same as counting everything that was said, however they are kept."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog import MessageDraft, Session, SessionStatus, SessionStore
from chatlog.domain import limits
from chatlog.domain.clock import utc_now
from chatlog.domain.usage import UsageDay
from chatlog.errors import InvalidInput
from tests.contract.conftest import STORES
from tests.factories import make_draft, make_drafts, make_session

ONE_DAY = timedelta(days=1)
DAYS = 5  # of a history, which begins and ends in empty days between it and its neighbours
AGENTS = ("ann", "市場分析", 'b"o\\b')
# Of what frameworks leave in models_usage, with the tokens that count.
USAGES: list[tuple[Any, tuple[int, int]]] = [
    (None, (0, 0)),
    ({}, (0, 0)),
    ({"prompt_tokens": 120, "completion_tokens": 48}, (120, 48)),
    ({"completion_tokens": 2**40}, (0, 2**40)),
    ({"prompt_tokens": -1, "completion_tokens": True}, (0, 0)),
    ({"prompt_tokens": "7", "completion_tokens": 1.5}, (0, 0)),
    ({"prompt_tokens": None, "completion_tokens": [1], "other": {"prompt_tokens": 5}}, (0, 0)),
]

Facts = Counter[tuple[Any, ...]]


@dataclass
class Told:
    """A session as the test knows it."""

    session_id: str
    created_at: datetime
    participants: list[str]
    status: SessionStatus = SessionStatus.ACTIVE
    is_deleted: bool = False
    said: list[tuple[datetime, str, str, tuple[int, int]]] = field(default_factory=list)


def told_facts(sessions: Iterable[Told], since: date, until: date) -> Facts:
    """What the figures should say, counted as simply as can be."""
    facts: Facts = Counter()
    for session in sessions:
        if session.is_deleted:
            continue
        begun = place_of(session.created_at)
        if since <= begun[0] < until:
            facts[*begun, "outcome", session.status] += 1
            for name in session.participants:
                facts[*begun, "takes part", name] += 1
        for timestamp, source, content, tokens in session.said:
            place = place_of(timestamp)
            if since <= place[0] < until:
                facts[*place, "length", source, len(content)] += 1
                facts[*place, "messages", source] += 1
                for kind, count in zip(("prompt", "completion"), tokens, strict=True):
                    facts[*place, kind, source] += count
    return +facts


def place_of(moment: datetime) -> tuple[date, int]:
    passed = moment - datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment.date(), passed // timedelta(minutes=15)


def found_facts(days: list[UsageDay]) -> Facts:
    facts: Facts = Counter()
    for day in days:
        for quarter, status, count in day.outcomes:
            facts[day.day, quarter, "outcome", status] += count
        for name, agent in day.agents.items():
            lengths = iter(agent.lengths)
            for quarter, count in agent.sessions:
                facts[day.day, quarter, "takes part", name] += count
            columns = (agent.quarters, agent.messages, agent.prompt_tokens, agent.completion_tokens)
            for quarter, messages, prompt, completion in zip(*columns, strict=True):
                facts[day.day, quarter, "messages", name] += messages
                facts[day.day, quarter, "prompt", name] += prompt
                facts[day.day, quarter, "completion", name] += completion
                in_quarter = list(itertools.islice(lengths, messages))
                assert in_quarter == sorted(in_quarter)
                for length in in_quarter:
                    facts[day.day, quarter, "length", name, length] += 1
            assert list(lengths) == []
    return +facts


class History:
    """Does things to sessions in a stretch of days of its own, and looks whether the figures follow."""

    def __init__(self, store: SessionStore, first: date) -> None:
        self.store = store
        self.first = first
        self.sessions: list[Told] = []

    async def begin(self, at: timedelta, names: list[str]) -> None:
        session = await self.store.create_session(make_session(created_at=self._moment(at), participants=names))
        self.sessions.append(Told(session.session_id, session.created_at, list(session.participants)))

    async def say(self, session: Told, remarks: list[tuple[timedelta, str, str, tuple[Any, tuple[int, int]]]]) -> None:
        drafts = []
        for at, source, content, (usage, tokens) in remarks:
            draft = MessageDraft(source=source, content=content, timestamp=self._moment(at), models_usage=usage)
            drafts.append(draft)
            session.said.append((draft.timestamp, source, content, tokens))
            session.participants += [] if source in session.participants else [source]
        await self.store.append_messages(session.session_id, drafts)

    async def end(self, session: Told, status: SessionStatus) -> None:
        if not session.is_deleted:
            await self.store.update_session(session.session_id, status=status)
            session.status = status

    async def delete(self, session: Told) -> None:
        await self.store.delete_session(session.session_id)
        session.is_deleted = True

    async def restore(self, session: Told) -> None:
        await self.store.restore_session(session.session_id)
        session.is_deleted = False

    async def purge(self) -> None:
        await self.store.purge_deleted(before=utc_now() + timedelta(minutes=1))
        self.sessions = [session for session in self.sessions if not session.is_deleted]

    async def check(self) -> None:
        # A store may put those who spoke into the session a moment later, where it is not asked to hurry.
        for session in self.sessions:
            if not session.is_deleted:
                await self.store.recount_session(session.session_id)
        # The day before and the day after are empty, and so is everything beyond the other borders.
        for since, until in ((0, DAYS + 2), (1, 2), (2, DAYS)):
            stretch = (self.first + since * ONE_DAY, self.first + until * ONE_DAY)
            days = await self.store.list_usage(since=stretch[0], until=stretch[1])
            assert [day.day for day in days] == sorted({day.day for day in days})
            assert all(day.outcomes or day.agents for day in days)
            assert found_facts(days) == told_facts(self.sessions, *stretch)

    def _moment(self, at: timedelta) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC) + ONE_DAY + at


# Around midnight and around quarters, and anywhere.
quarters = st.sampled_from([0, 96, 2 * 96, 3 * 96]) | st.integers(0, 96 * DAYS - 1)
edges = st.builds(
    lambda quarter, beside: max(timedelta(0), quarter * timedelta(minutes=15) + beside),
    quarters,
    st.sampled_from([timedelta(microseconds=n) for n in (-1, 0, 1)]) | st.timedeltas(timedelta(0), timedelta(minutes=14)),
)
contents = st.text(st.sampled_from("a 空🎉\n"), max_size=6).map(lambda text: f"{text}.")
remarks = st.tuples(edges, st.sampled_from(AGENTS), contents, st.sampled_from(USAGES))
numbers = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("begin"), edges, st.lists(st.sampled_from(AGENTS), max_size=2, unique=True)),
    st.tuples(st.just("say"), numbers, st.lists(remarks, min_size=1, max_size=4)),
    st.tuples(st.just("end"), numbers, st.sampled_from(SessionStatus)),
    st.tuples(st.just("delete"), numbers),
    st.tuples(st.just("restore"), numbers),
    st.tuples(st.just("purge")),
    st.tuples(st.just("check")),
)


async def run_history(store: SessionStore, first: date, taken: list[tuple[Any, ...]]) -> None:
    history = History(store, first)
    await history.begin(timedelta(hours=23, minutes=59), ["ann"])
    for name, *values in taken:
        if name in ("say", "end", "delete", "restore"):
            if not history.sessions:
                continue
            values[0] = history.sessions[values[0] % len(history.sessions)]
        await getattr(history, name)(*values)
    await history.check()


# Through HTTP a history takes a tenth of a second and more; tests/chatlog/storage/cosmos has others, in which days are kept.
HISTORIES = {"cosmos-npm": 60, "cosmos-double": 200}
# The double looks at every item for every query, so that it begins anew now and then.
HISTORIES_IN_ONE = {"cosmos-double": 5}


@pytest.mark.parametrize("name", list(STORES))
def test_they_are_what_counting_everything_gives(name: str, tmp_path: Path) -> None:
    """On up to 500 made-up histories, each in days of its own. Not a coroutine, because Hypothesis runs none."""
    firsts = itertools.count(1)
    with asyncio.Runner() as runner:
        opened: list[tuple[AbstractAsyncContextManager[SessionStore], SessionStore]] = []

        def close() -> None:
            while opened:
                runner.run(opened.pop()[0].__aexit__(None, None, None))

        @settings(max_examples=HISTORIES.get(name, 500), deadline=None)
        @given(taken=st.lists(steps, max_size=12))
        def compare(taken: list[tuple[Any, ...]]) -> None:
            number = next(firsts)
            if not opened or number % HISTORIES_IN_ONE.get(name, 1_000) == 0:
                close()
                opening = STORES[name](tmp_path)
                opened.append((opening, runner.run(opening.__aenter__())))
            first = utc_now().date() - number * (DAYS + 2) * ONE_DAY
            runner.run(run_history(opened[0][1], first, taken))

        compare()
        close()


async def test_they_follow_every_change_of_days_long_past(store: SessionStore) -> None:
    first = date(2024, 2, 26)  # over the end of a February with 29 days
    history = History(store, first)
    at = timedelta(days=1, hours=3)
    remark = (at + ONE_DAY, "ann", "空間🎉", USAGES[2])
    changes: list[Callable[[], Any]] = [
        lambda: history.begin(at, ["ann"]),
        lambda: history.say(history.sessions[0], [remark, (at + 2 * ONE_DAY, "bob", "x", USAGES[0])]),
        lambda: history.end(history.sessions[0], SessionStatus.FAILED),
        lambda: history.begin(at, []),
        lambda: history.say(history.sessions[1], [remark]),
        lambda: history.delete(history.sessions[0]),
        lambda: history.say(history.sessions[0], [remark]),
        lambda: history.restore(history.sessions[0]),
        lambda: history.delete(history.sessions[1]),
        history.purge,
        lambda: history.say(history.sessions[0], [(timedelta(0), "cai", "early", USAGES[3])]),
    ]
    await history.check()
    for change in changes:
        await change()
        await history.check()
        await history.check()  # and as they are kept


async def test_today_and_the_future_are_counted_while_sessions_run(store: SessionStore) -> None:
    now = utc_now()
    session = await store.create_session(make_session(created_at=now, participants=["ann"]))
    until = now.date() + 40 * ONE_DAY
    for number in range(1, 4):
        await store.append_messages(session.session_id, make_drafts(2, source="ann", timestamp=now, content="空間"))
        await store.append_messages(session.session_id, [make_draft(source="ann", timestamp=now + 30 * ONE_DAY)])
        today, later = await store.list_usage(since=now.date(), until=until)
        assert [(status, count) for _, status, count in today.outcomes] == [(SessionStatus.ACTIVE, 1)]
        assert today.agents["ann"].messages == (2 * number,)
        assert today.agents["ann"].lengths == (2,) * 2 * number
        assert (later.day, later.agents["ann"].messages) == ((now + 30 * ONE_DAY).date(), (number,))


async def test_the_borders_of_time_can_be_asked_for(store: SessionStore, session: Session) -> None:
    moments = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC) - ONE_DAY]
    await store.append_messages(session.session_id, [make_draft(timestamp=moment) for moment in moments])
    (first,) = await store.list_usage(since=date.min, until=date.min + limits.MAX_USAGE_DAYS * ONE_DAY)
    assert first.day == date.min
    (last,) = await store.list_usage(since=date.max - limits.MAX_USAGE_DAYS * ONE_DAY, until=date.max)
    assert last.day == date.max - ONE_DAY


async def test_a_store_without_anything_has_no_figures(store: SessionStore) -> None:
    today = utc_now().date()
    assert await store.list_usage(since=today - 30 * ONE_DAY, until=today + ONE_DAY) == []
    assert await store.list_busiest(since=utc_now() - ONE_DAY, until=utc_now()) == []


async def test_a_stretch_that_makes_no_sense_is_refused(store: SessionStore) -> None:
    today = utc_now().date()
    for since, until in ((today, today), (today, today - ONE_DAY), (today - 4_000 * ONE_DAY, today)):
        with pytest.raises(InvalidInput, match="until"):
            await store.list_usage(since=since, until=until)


async def test_the_busiest_sessions_come_first(store: SessionStore) -> None:
    begin = datetime(2026, 10, 31, tzinfo=UTC)
    until = begin + ONE_DAY
    moments = [begin, begin + timedelta(hours=1), until - timedelta(microseconds=1), begin + timedelta(hours=2)]
    outside = [begin - timedelta(microseconds=1), until]
    sessions = []
    for moment, count in zip([*moments, *outside], (2, 3, 2, 0, 5, 5), strict=True):
        session = await store.create_session(make_session(created_at=moment))
        await store.append_messages(session.session_id, make_drafts(count)) if count else []
        sessions.append(await store.recount_session(session.session_id))
    expected = [sessions[number].session_id for number in (1, 2, 0, 3)]

    async def found(**values: Any) -> list[str]:
        return [session.session_id for session in await store.list_busiest(since=begin, until=until, **values)]

    assert await found() == expected
    assert await found(limit=2) == expected[:2]
    (busiest,) = await store.list_busiest(since=begin, until=until, limit=1)
    assert (busiest.message_count, busiest.task) == (3, sessions[1].task)
    await store.delete_session(expected[0])
    assert await found(limit=2) == expected[1:3]
    for limit in (0, limits.MAX_LIST_LIMIT + 1):
        with pytest.raises(InvalidInput, match="limit"):
            await found(limit=limit)
