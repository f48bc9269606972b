"""Lists: of sessions with and without the composite index, of messages never over a hole, and which SQL is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from chatlog import Session, SessionStatus
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import parse_terms
from chatlog.errors import SessionNotFound, StorageCorrupt
from chatlog.storage.cosmos import queries, usage_queries
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.cursors import encode_cursor
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.factories import make_draft, make_drafts, make_session

RUNNING = SessionFilter(states=frozenset({SessionState.RUNNING}))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def container_of(double: Double, store: CosmosSessionStore) -> Container:
    return double.gateway.databases[store.settings.database_name][store.settings.container_name]


async def list_pages(store: CosmosSessionStore, limit: int) -> list[Session]:
    listed, cursor = [], None
    while True:
        page = await store.list_sessions(limit=limit, cursor=cursor)
        listed += page.items
        if (cursor := page.next_cursor) is None:
            return listed


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_without_the_composite_index_the_list_is_the_same(double: Double, limit: int) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK) as store:
        times = [NOON + timedelta(seconds=min(number, 4)) for number in range(9)]  # five of them at one moment
        created = [await store.create_session(make_session(created_at=time)) for time in times]
        created.sort(key=lambda session: (session.created_at, session.session_id), reverse=True)
        assert await list_pages(store, limit) == created


async def test_both_physical_partitions_are_merged(double: Double, store: CosmosSessionStore) -> None:
    for number in range(12):
        await store.create_session(make_session(created_at=NOON + timedelta(seconds=number)))
    container = container_of(double, store)
    assert container.items(physical=0)
    assert container.items(physical=1)
    listed = await list_pages(store, 5)
    assert [session.created_at for session in listed] == [NOON + timedelta(seconds=number) for number in reversed(range(12))]


async def test_messages_behind_a_hole_are_not_shown(double: Double, store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(6))
    container_of(double, store).delete(session.session_id, f"{session.session_id}_msg_0004")
    assert [m.sequence for m in await store.list_messages(session.session_id)] == [1, 2, 3]
    assert [m.sequence for m in await store.list_messages(session.session_id, after=2)] == [3]
    assert await store.list_messages(session.session_id, after=3) == []


async def test_following_a_session_takes_one_request_each_time(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(3))
    double.journal.requests.clear()
    assert await store.list_messages(session.session_id, after=3) == []
    assert len(await store.list_messages(session.session_id, after=1)) == 2
    assert double.journal.requests == {"query": 2}


async def test_an_older_page_of_the_list_takes_one_query(double: Double, store: CosmosSessionStore) -> None:
    for number in range(6):
        await store.create_session(make_session(created_at=NOON + timedelta(seconds=number), participants=["ann"]))
    first = await store.list_sessions(limit=2)
    await take_one_query(double, store.list_sessions(limit=2, cursor=first.next_cursor))
    second = await store.list_sessions(limit=2, cursor=first.next_cursor)
    await take_one_query(double, store.list_sessions(limit=2, cursor=second.previous_cursor))
    await take_one_query(double, store.list_sessions(limit=2, where=SessionFilter(agents=("ann",), until=NOON)))


async def test_a_window_of_a_session_takes_one_query_in_its_partition(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(150))
    for call in (
        store.list_messages_before(session.session_id, limit=61),
        store.list_messages_before(session.session_id, before=100, limit=61),
        store.list_messages(session.session_id, after=40, limit=62),
    ):
        double.journal.requests.clear()
        assert len(await call) in {61, 62}
        assert double.journal.requests == {"query": 1}


async def take_one_query(double: Double, call: Awaitable[object]) -> None:
    """One text, planned once; each physical partition answers it in pages."""
    double.journal.requests.clear()
    double.journal.texts.clear()
    await call
    assert len(double.journal.texts) == 1
    assert double.journal.requests["query_plan"] == 1
    assert set(double.journal.requests) == {"query", "query_plan"}


async def test_several_sessions_are_read_by_their_ids(double: Double, store: CosmosSessionStore) -> None:
    made = [await store.create_session(make_session()) for _ in range(40)]
    double.journal.requests.clear()
    assert await store.get_sessions([session.session_id for session in made]) == made
    assert double.journal.requests == {"read": 40}


async def test_the_last_messages_end_where_a_hole_begins(double: Double, store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(6))
    container_of(double, store).delete(session.session_id, f"{session.session_id}_msg_0004")
    assert [m.sequence for m in await store.list_messages_before(session.session_id)] == [1, 2, 3]


async def test_the_texts_sent_are_exactly_those_of_the_queries_modules(double: Double) -> None:
    settings, plain = settings_for(double.endpoint), settings_for(double.endpoint)
    async with create_container(plain, unique_keys=False):
        for chosen in (settings, plain):
            async with CosmosSessionStore(chosen, tuning=QUICK) as store:
                await take_every_road(double, store)
    assert (
        double.journal.texts == queries.TEXTS | usage_queries.TEXTS
    )  # those, all of them, and whatever the values are no others


async def take_every_road(double: Double, store: CosmosSessionStore) -> None:
    hostile = "'; DROP -- \" @x"
    await store.create_session(make_session(session_id=hostile))
    session = await store.create_session(make_session(tags=["x"]))
    double.inject("create", "drop_reply")
    await store.append_messages(hostile, [make_draft(message_id="' OR 1=1 --")])
    double.inject("batch", "drop_reply")
    await store.append_messages(hostile, make_drafts(3))
    await store.list_messages(hostile)
    await store.recount_session(hostile)
    container_of(double, store).create(hostile, seed_message(hostile, 5))
    assert await store.get_last_sequence(hostile) == 5
    await store.list_messages_before(hostile, before=3)
    await store.list_matches(hostile, parse_terms(hostile))
    for where in every_filter(hostile):
        await store.list_sessions(limit=1, where=where)
        for is_backwards in (False, True):
            await store.list_sessions(limit=1, where=where, cursor=encode_cursor((hostile, hostile, is_backwards)))
    for query in every_search(hostile):
        for cursor in (None, encode_cursor((hostile, hostile))):
            await store.search(query, limit=1, cursor=cursor)
    week_ago = utc_now() - timedelta(days=7)
    await store.append_messages(hostile, [make_draft(timestamp=week_ago)])
    for _ in range(2):
        await store.list_usage(since=week_ago.date(), until=utc_now().date())
        await store.delete_session(hostile)
    await store.restore_session(hostile)
    await store.delete_session(session.session_id)
    await store.purge_deleted(before=utc_now())
    await store.list_ledger(since=date(2026, 1, 1), until=date(2026, 1, 2))
    with pytest.raises(SessionNotFound):
        await store.list_messages("nobody")


def every_filter(text: str) -> Iterator[SessionFilter]:
    """One for each way in which a filter's conditions can come together."""
    running = frozenset({SessionState.RUNNING})
    now = utc_now()
    for states, agents, tags, (until, must_begin_since), terms in product(
        *((frozenset(), running, running | {SessionState.FAILED}), ((), (text,)), ((), (text,))),
        *(((None, False), (now, False), (now, True)), ("", text)),
    ):
        times = {"until": until, "must_begin_since": must_begin_since}
        yield SessionFilter(states=states, agents=agents, tags=tags, terms=parse_terms(terms), **times)


def every_search(text: str) -> Iterator[SearchQuery]:
    for agents, since, tags in product(((), (text,)), (None, datetime.min.replace(tzinfo=UTC)), ((), ("x",))):
        yield SearchQuery(terms=parse_terms(text), agents=agents, since=since, tags=tags)


@pytest.mark.parametrize("number", range(4))  # so that it lies in the one physical partition and in the other
async def test_documents_that_lack_what_they_are_ordered_by_are_left_out(double: Double, number: int) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK) as store:
        session = await store.create_session(make_session())
        container = container_of(double, store)
        container.create(session.session_id, {"id": "odd", "session_id": session.session_id, "type": "message"})
        assert await store.list_messages(session.session_id) == []
        assert await store.get_last_sequence(session.session_id) == 0
        assert (await store.append_messages(session.session_id, [make_draft()]))[0].sequence == 1
        odd = f"odd {number}"
        container.create(odd, {"id": odd, "session_id": odd, "type": "session_info", "task": "t"})
        assert [listed.session_id for listed in (await store.list_sessions()).items] == [session.session_id]
        with pytest.raises(StorageCorrupt, match=r"odd.*created_at"):
            await store.get_session(odd)


async def test_an_ended_session_is_not_running(store: CosmosSessionStore, session: Session) -> None:
    assert len((await store.list_sessions(where=RUNNING)).items) == 1
    await store.update_session(session.session_id, status=SessionStatus.CANCELLED)
    assert (await store.list_sessions(where=RUNNING)).items == ()


def seed_message(session_id: str, number: int) -> dict:
    return {
        "id": f"{session_id}_msg_{number:04d}_1705737022123456",
        "session_id": session_id,
        "type": "message",
        "source": "creative_planner",
        "content": f"提案 {number}",
        "timestamp": f"2024-01-20T14:30:{number:02d}.123456",
        "sequence": number,
        "message_id": f"seed {number}",
    }
