"""What a search shows: hits by session, page by page."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.query import ParsedQuery, parse_query
from chatlog.errors import InvalidCursor, StorageUnavailable
from chatlog.services import searching
from chatlog.services.searching import FoundPage, search
from chatlog.storage.base import Hit, SearchPage
from tests.factories import make_draft, make_session


def parse(text: str) -> ParsedQuery:
    return parse_query(text, zone=UTC)


class FoundInMemory:
    """Answers each search with the next of the pages, and remembers what it was asked."""

    def __init__(self, *pages: SearchPage) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[SearchQuery, int, str | None]] = []

    async def search(self, query: SearchQuery, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        self.asked.append((query, limit, cursor))
        return self.pages.pop(0)


def make_hit(session: Any, sequence: int, text: str = "a word") -> Hit:
    return Hit(session, sequence, "ann" if sequence else None, utc_now(), text)


def places(page: FoundPage) -> list[tuple[str, list[int]]]:
    return [(found.session.session_id, [remark.sequence for remark in found.remarks]) for found in page.sessions]


async def test_hits_stand_by_their_session_in_the_order_of_the_hits() -> None:
    ann, bob = make_session(session_id="ann"), make_session(session_id="bob")
    hits = (make_hit(bob, 0), make_hit(bob, 7), make_hit(ann, 2), make_hit(ann, 3))
    page = await search(FoundInMemory(SearchPage(hits, "older")), parse("word"))
    assert places(page) == [("bob", [0, 7]), ("ann", [2, 3])]
    assert (page.hit_count, page.next_cursor) == (4, "older")
    title, remark = page.sessions[0].remarks
    assert (title.source, remark.source, remark.timestamp) == (None, "ann", hits[1].timestamp)
    assert remark.snippet.pieces == (("a ", False), ("word", True))


async def test_the_store_is_asked_for_what_was_typed() -> None:
    store, parsed = FoundInMemory(SearchPage((), None)), parse("word agent:ann status:failed")
    await search(store, parsed, cursor="here", limit=7)
    assert store.asked == [(parsed.as_search(), 7, "here")]


@pytest.mark.parametrize("text", ["", " ", '""', "agent:ann", "word status:wat", "word after:never", "x" * 10_000])
async def test_without_words_or_with_problems_the_store_is_asked_nothing(text: str) -> None:
    store = FoundInMemory()
    assert await search(store, parse(text)) == FoundPage()
    assert store.asked == []


@pytest.mark.parametrize(("length", "is_beside"), [(100, False), (60_000, True)])
async def test_long_texts_are_cut_beside_the_event_loop(
    length: int, *, is_beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[int]()
    cut = searching.make_snippet
    monkeypatch.setattr(searching, "make_snippet", lambda *args: threads.add(threading.get_ident()) or cut(*args))
    await search(FoundInMemory(SearchPage((make_hit(make_session(), 1, "word " * (length // 5)),), None)), parse("word"))
    assert (threading.get_ident() not in threads) is is_beside


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def test_pages_of_a_real_store_follow_each_other_without_gap_or_double(store: SessionStore) -> None:
    made = []
    for number in range(4):
        session = await store.create_session(make_session(task="空間", created_at=utc_now() - timedelta(hours=number)))
        drafts = [make_draft(content="共有空間を" if number % 2 else "ほか") for number in range(5)]
        await store.append_messages(session.session_id, drafts)
        made.append((session.session_id, [0, 2, 4]))
    cursor, seen = None, list[tuple[str, int]]()
    for expected in (5, 5, 2):
        page = await search(store, parse("空間"), cursor=cursor, limit=5)
        assert page.hit_count == expected
        seen += [(session_id, sequence) for session_id, sequences in places(page) for sequence in sequences]
        cursor = page.next_cursor
    assert cursor is None
    assert seen == [(session_id, sequence) for session_id, sequences in made for sequence in sequences]


async def test_errors_of_the_store_reach_the_caller(store: SessionStore) -> None:
    with pytest.raises(InvalidCursor):
        await search(store, parse("word"), cursor="nonsense")

    class Away:
        async def search(self, *_: object, **__: object) -> None:
            raise StorageUnavailable("The disk is asleep.")

    with pytest.raises(StorageUnavailable):
        await search(Away(), parse("word"))
