"""Searching on Cosmos DB: one query a page, bounded work, the same with a container that somebody else made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatlog import Session, SessionStatus
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import parse_terms
from chatlog.storage.base import Hit
from chatlog.storage.cosmos import searching
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.chatlog.storage.cosmos.test_seed_documents import SESSION_ID, seed_message, seed_session
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.factories import make_draft, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def asking(text: str, **values: object) -> SearchQuery:
    return SearchQuery(terms=parse_terms(text), **values)


async def fill(store: CosmosSessionStore, *remarks: str, at: datetime = NOON, **values: object) -> Session:
    session = await store.create_session(make_session(created_at=at, **values))
    drafts = [make_draft(content=remark, timestamp=at + timedelta(seconds=n)) for n, remark in enumerate(remarks, 1)]
    await store.append_messages(session.session_id, drafts)
    return session


async def find_all(store: CosmosSessionStore, query: SearchQuery, *, limit: int) -> list[list[Hit]]:
    pages, cursor = [], None
    while True:
        page = await store.search(query, limit=limit, cursor=cursor)
        pages.append([*page.hits])
        if (cursor := page.next_cursor) is None:
            return pages


def places(pages: list[list[Hit]]) -> list[tuple[str, int]]:
    return sorted((hit.session.session_id, hit.sequence) for page in pages for hit in page)


async def test_a_page_takes_one_query_and_a_read_for_each_session_on_it(double: Double, store: CosmosSessionStore) -> None:
    for number in range(6):
        await fill(store, "a word", "a word", at=NOON + timedelta(minutes=number))
    cursor = None
    for _ in range(3):
        double.journal.requests.clear()
        double.journal.texts.clear()
        page = await store.search(asking("word"), limit=4, cursor=cursor)
        assert len(page.hits) == 4
        assert (len(double.journal.texts), double.journal.requests["query_plan"]) == (1, 1)
        assert double.journal.requests["read"] == 2
        cursor = page.next_cursor
    assert cursor is None


async def test_sessions_under_a_tag_are_asked_for_once_and_named(double: Double, store: CosmosSessionStore) -> None:
    for number in range(30):
        await fill(store, "a word", at=NOON + timedelta(minutes=number))
    tagged = await fill(store, "a word", tags=["x"])
    double.journal.requests.clear()
    page = await store.search(asking("word", tags=("x",)), limit=5)
    assert [hit.session.session_id for hit in page.hits] == [tagged.session_id]
    assert (double.journal.requests["query_plan"], double.journal.requests["read"]) == (2, 1)


async def test_under_a_tag_that_nobody_has_nothing_is_searched(double: Double, store: CosmosSessionStore) -> None:
    await fill(store, "a word")
    double.journal.requests.clear()
    assert (await store.search(asking("word", tags=("x",)))).hits == ()
    assert double.journal.requests["query_plan"] == 1


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_under_a_state_of_many_sessions_every_page_goes_on_where_the_last_ended(
    store: CosmosSessionStore, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_NAMED_SESSIONS", 2)
    made = [await fill(store, "a word", at=NOON + timedelta(minutes=n), tags=["x"] if n % 4 == 0 else []) for n in range(16)]
    pages = await find_all(store, asking("word", tags=("x",)), limit=limit)
    assert places(pages) == sorted((session.session_id, 1) for session in made[::4])


async def test_one_page_looks_at_a_bounded_number_of_candidates(
    double: Double, store: CosmosSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_CANDIDATES", 10)
    monkeypatch.setattr(searching, "MOST_STEPS", 2)
    session = await fill(store, "plan", *["airplane"] * 60)  # the service finds "plan" in each, the rule in one
    double.journal.requests.clear()
    page = await store.search(asking("plan"))
    assert (page.hits, double.journal.requests["query_plan"]) == ((), 2)
    assert page.next_cursor is not None
    assert places(await find_all(store, asking("plan"), limit=50)) == [(session.session_id, 1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_without_the_composite_index_it_finds_the_same(double: Double, limit: int) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK) as store:
        expected = []
        for number in range(3):  # at the same moments, so that there are ties over all sessions
            session = await fill(store, *["word"] * (number + 2), "else", task="word")
            expected += [(session.session_id, sequence) for sequence in range(number + 3)]
        assert places(await find_all(store, asking("word"), limit=limit)) == sorted(expected)


async def test_without_the_composite_index_the_work_is_bounded_too(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_CANDIDATES", 10)
    monkeypatch.setattr(searching, "MOST_STEPS", 1)
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK) as store:
        session = await fill(store, "plan", *["airplane"] * 30)
        page = await store.search(asking("plan"))
        assert page.hits == ()
        assert page.next_cursor is not None
        assert places(await find_all(store, asking("plan"), limit=50)) == [(session.session_id, 1)]


async def test_hits_of_a_deleted_session_make_room_for_others(store: CosmosSessionStore) -> None:
    kept = await fill(store, "a word", at=NOON)
    deleted = await fill(store, *["a word"] * 5, at=NOON + timedelta(hours=1))
    await store.delete_session(deleted.session_id)
    page = await store.search(asking("word"), limit=2)
    assert [(hit.session.session_id, hit.sequence) for hit in page.hits] == [(kept.session_id, 1)]


async def test_the_newest_sessions_come_first(store: CosmosSessionStore) -> None:
    made = [await fill(store, "a word", "a word", at=NOON + timedelta(minutes=n)) for n in range(4)]
    hits = (await store.search(asking("word"))).hits
    assert [hit.session.session_id for hit in hits[::2]] == [session.session_id for session in reversed(made)]


async def test_more_terms_than_a_text_has_room_for_must_all_occur(store: CosmosSessionStore) -> None:
    words = [f"w{number:02d}" + "x" * number for number in range(20)]
    session = await fill(store, " ".join(words), " ".join(words[1:]), " ".join(words[:-1]), task=" ".join(words[5:]))
    text = " ".join(words)
    assert places(await find_all(store, asking(text), limit=5)) == [(session.session_id, 1)]
    assert await store.list_matches(session.session_id, parse_terms(text)) == [1]
    assert (await store.list_sessions(where=SessionFilter(terms=parse_terms(text)))).items == ()
    listed = (await store.list_sessions(where=SessionFilter(terms=parse_terms(" ".join(words[5:]))))).items
    assert [found.session_id for found in listed] == [session.session_id]


async def test_more_tags_than_a_text_has_room_for_must_all_be_there(store: CosmosSessionStore) -> None:
    tags = tuple("abcdef")
    session = await fill(store, "a word", tags=tags)
    await fill(store, "a word", tags=tags[:4])
    listed = (await store.list_sessions(where=SessionFilter(tags=tags))).items
    assert [found.session_id for found in listed] == [session.session_id]
    assert places(await find_all(store, asking("word", tags=tags), limit=5)) == [(session.session_id, 1)]


async def test_what_no_store_keeps_is_not_found_and_breaks_nothing(store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, [make_draft()])
    for text in ("\ud800", "a\x00b", "x" * 10_000, "\udfff\ud800 a"):
        assert (await store.search(asking(text, agents=(text,), tags=(text,)))).hits == ()
        assert (await store.search(asking(text))).hits == ()
        assert (await store.list_sessions(where=SessionFilter(agents=(text,), terms=parse_terms(text)))).items == ()
        assert await store.list_matches(session.session_id, parse_terms(text)) == []


async def test_damaged_documents_do_not_stand_in_the_way(double: Double, store: CosmosSessionStore) -> None:
    session = await fill(store, "a word")
    container = double.gateway.databases[store.settings.database_name][store.settings.container_name]
    key = session.session_id
    base = {
        "session_id": key,
        "type": "message",
        "source": "x",
        "timestamp": "2026-11-23T12:00:00.000000Z",
        "search_text": "word",
    }
    container.create(key, base | {"id": "no number", "message_id": "a", "content": "word"})
    container.create(key, base | {"id": "no text", "message_id": "b", "sequence": 9})
    assert places(await find_all(store, asking("word"), limit=5)) == [(key, 1)]
    assert await store.list_matches(key, parse_terms("word")) == [1]


class TestOfTheSeedsForm:
    @pytest.fixture
    async def store(self, double: Double) -> AsyncIterator[CosmosSessionStore]:
        settings = settings_for(double.endpoint, naive_zone=ZoneInfo("Asia/Tokyo"))
        async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as opened:
            container = double.gateway.databases[settings.database_name][settings.container_name]
            container.create(SESSION_ID, seed_session())
            for place, number in enumerate([1, 1, 2, 5], 1):  # doubled and missing numbers
                container.create(SESSION_ID, seed_message(number, place=place, second=place) | {"content": f"Plan {place}"})
            yield opened

    async def test_remarks_are_found_under_the_number_of_their_place(self, store: CosmosSessionStore) -> None:
        (added,) = await store.append_messages(SESSION_ID, [make_draft(content="a plan")])
        assert added.sequence == 5
        (hits,) = await find_all(store, asking("plan"), limit=50)
        assert [(hit.sequence, hit.text) for hit in hits] == [(n, f"Plan {n}") for n in range(1, 5)] + [(5, "a plan")]
        assert await store.list_matches(SESSION_ID, parse_terms("plan")) == [1, 2, 3, 4, 5]
        (hit,) = (await store.search(asking('"plan 3"'))).hits
        assert (hit.sequence, hit.timestamp) == (3, datetime(2024, 1, 20, 5, 30, 3, 123456, UTC))

    async def test_local_times_are_found_by_their_moment(self, store: CosmosSessionStore) -> None:
        third = datetime(2024, 1, 20, 5, 30, 3, 123456, UTC)
        (hit,) = (await store.search(asking("plan", since=third, until=third + timedelta(milliseconds=1)))).hits
        assert hit.sequence == 3

    async def test_its_sessions_are_listed_by_their_task_and_state(self, store: CosmosSessionStore) -> None:
        where = SessionFilter(
            terms=parse_terms("ﾘﾓｰﾄ ツール"), states=frozenset({SessionState.COMPLETED}), agents=("market_analyst",)
        )
        assert [session.session_id for session in (await store.list_sessions(where=where)).items] == [SESSION_ID]

    async def test_its_headline_is_found_once_something_about_it_has_changed(self, store: CosmosSessionStore) -> None:
        await store.recount_session(SESSION_ID)
        (hit,) = (await store.search(asking("リモート"))).hits
        assert (hit.sequence, hit.source) == (0, None)

    async def test_all_its_fields_change_with_one_patch(self, double: Double, store: CosmosSessionStore) -> None:
        """A patch has room for ten operations, and this is all that can ever change at once."""
        await store.append_messages(SESSION_ID, [make_draft(source="new")])
        double.journal.requests.clear()
        await store.update_session(SESSION_ID, status=SessionStatus.FAILED, title="A title", tags=["x"])
        assert double.journal.requests["patch"] == 1
        session = await store.get_session(SESSION_ID)
        assert (session.status, session.title, session.tags, session.message_count) == ("failed", "A title", ("x",), 5)
        assert (await store.search(asking("title"))).hits[0].sequence == 0

    async def test_the_windows_are_numbered_like_the_whole(self, store: CosmosSessionStore) -> None:
        await store.append_messages(SESSION_ID, [make_draft(), make_draft()])
        whole = await store.list_messages(SESSION_ID)
        assert [message.sequence for message in whole] == list(range(1, 7))
        for before in range(1, 9):
            for limit in (1, 2, 10):
                found = await store.list_messages_before(SESSION_ID, before=before, limit=limit)
                assert found == whole[: before - 1][-limit:]
        assert await store.list_messages_before(SESSION_ID, limit=3) == whole[-3:]
