"""What every store promises about searching: the same as reading everything and asking the rule."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog import Session, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.models import SessionState
from chatlog.domain.search import matches, parse_terms
from chatlog.domain.text import search_form
from chatlog.errors import InvalidCursor
from tests.contract.conftest import STORES
from tests.factories import make_draft, make_session

Found = set[tuple[str, int]]

# Few letters, so that they meet: kana in three widths and with dots apart, Han, Hangul, accents, signs, emoji.
PIECES = [*"空間の会議あアがｱｶﾞ각aAbé1 \n-_.\"'%*🎉❤", "か\u3099", "e\u0301", "ａ", "ab ", "空間", "❤\ufe0f", "ı", "ß", "ss"]
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(str.strip)
corpora = st.lists(texts, min_size=1, max_size=5)


async def find_all(store: SessionStore, query: SearchQuery, *, limit: int = 50) -> Found:
    """Everything, page by page; nothing comes twice."""
    found: list[tuple[str, int]] = []
    cursor = None
    while True:
        page = await store.search(query, limit=limit, cursor=cursor)
        assert len(page.hits) <= limit
        found += [(hit.session.session_id, hit.sequence) for hit in page.hits]
        if (cursor := page.next_cursor) is None:
            break
    assert len(found) == len(set(found))
    return set(found)


async def scan_all(store: SessionStore, query: SearchQuery, sessions: list[Session]) -> Found:
    """The same by reading everything."""
    found: Found = set()
    for session in await store.get_sessions([session.session_id for session in sessions]):
        if not query.accepts_session(session, now=utc_now()):
            continue
        messages = await store.list_messages(session.session_id, limit=1000)
        found |= {(session.session_id, message.sequence) for message in messages if query.accepts_message(message)}
        found |= {(session.session_id, 0)} if query.accepts_headline(session) else set()
    return found


async def fill(store: SessionStore, remarks: list[str], **values: Any) -> Session:
    session = await store.create_session(make_session(**values))
    await store.append_messages(session.session_id, [make_draft(content=remark) for remark in remarks])
    return session


# Through the independent server a corpus takes a tenth of a second.
CORPORA = {"cosmos-npm": 60}
CORPORA_PER_STORE = 60  # a search of the double looks at all there is: time would grow with the square of their number


@pytest.mark.parametrize("name", list(STORES))
def test_it_finds_what_reading_everything_finds(name: str, tmp_path: Path) -> None:
    """On 500 made-up corpora. Not a coroutine, because Hypothesis runs none."""
    with asyncio.Runner() as runner, ExitStack() as opened:
        stores: list[SessionStore] = []
        numbers = itertools.count()

        def renew_store() -> None:
            opened.close()
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            opening: AbstractAsyncContextManager[SessionStore] = STORES[name](folder)
            stores.append(runner.run(opening.__aenter__()))
            opened.callback(lambda: runner.run(opening.__aexit__(None, None, None)))

        @settings(max_examples=CORPORA.get(name, 500), deadline=None)
        @given(remarks=corpora, task=texts, asked=st.data())
        def compare(remarks: list[str], task: str, asked: st.DataObject) -> None:
            if next(_numbers) % CORPORA_PER_STORE == 0 or not stores:
                renew_store()
            whole = asked.draw(st.sampled_from([*remarks, task]))
            start = asked.draw(st.integers(0, len(whole) - 1))
            piece = whole[start : start + asked.draw(st.integers(1, 5))]
            text = asked.draw(st.sampled_from([piece, f'"{piece}"', f"{piece} {whole[:2]}", asked.draw(texts)]))
            runner.run(check_corpus(stores[-1], remarks, task=task, text=text))

        compare()


async def check_corpus(store: SessionStore, remarks: list[str], *, task: str, text: str) -> None:
    tag = f"corpus {next(_numbers)}"  # the store holds the corpora before as well
    session = await fill(store, remarks, task=task, tags=[tag])
    query = SearchQuery(terms=parse_terms(text), tags=(tag,))
    if not query.terms:
        assert await find_all(store, query) == set()
        return
    assert await find_all(store, query) == await scan_all(store, query, [session])
    expected = [sequence for sequence, remark in enumerate(remarks, 1) if matches(query.terms, search_form(remark))]
    assert await store.list_matches(session.session_id, query.terms) == expected


_numbers = iter(range(10**9))


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("空間", "リモートワークの空間を共有する"),
        ("間", "空間"),
        ("ガイド", "ｶﾞｲﾄﾞを読む"),
        ("ai", "これはＡＩです"),
        ("が", "か\u3099"),
        ("cafe", "The CAFÉ is closed"),
        ("plan", "a new planner"),
        ('"two  words"', "these two\nwords"),
        ("🎉", "done 🎉!"),
        ("x", "x"),
        ("c++", "in C++ then"),
    ],
)
async def test_writing_it_in_another_way_does_not_matter(store: SessionStore, text: str, remark: str) -> None:
    session = await fill(store, ["elsewhere", remark])
    assert await find_all(store, SearchQuery(terms=parse_terms(text))) == {(session.session_id, 2)}


@pytest.mark.parametrize(
    ("text", "remark"), [("plan", "airplane"), ("か", "が"), ('"plan"', "planner"), ("a b", "a"), ("空間", "空 間")]
)
async def test_what_is_not_there_is_not_found(store: SessionStore, text: str, remark: str) -> None:
    await fill(store, [remark], task="elsewhere")
    assert await find_all(store, SearchQuery(terms=parse_terms(text))) == set()


async def test_it_keeps_to_the_filters(store: SessionStore) -> None:
    now = utc_now()
    sessions = []
    for number in range(8):
        values = {"tags": ["even"] if number % 2 == 0 else ["odd", "x"], "created_at": now - timedelta(days=number)}
        session = await store.create_session(make_session(task="word at the head", **values))
        drafts = [
            make_draft(content="a word", source=source, timestamp=now - timedelta(days=number)) for source in ("ann", "bob")
        ]
        await store.append_messages(session.session_id, drafts)
        status = SessionStatus.FAILED if number % 3 == 0 else SessionStatus.COMPLETED
        sessions.append(await store.update_session(session.session_id, status=status))
    terms = parse_terms("word")
    for query in (
        SearchQuery(terms=terms),
        SearchQuery(terms=terms, agents=("ann",)),
        SearchQuery(terms=terms, agents=("ann", "bob")),
        SearchQuery(terms=terms, states=frozenset({SessionState.FAILED})),
        SearchQuery(terms=terms, tags=("odd", "x")),
        SearchQuery(terms=terms, since=now - timedelta(days=3, hours=1)),
        SearchQuery(terms=terms, until=now - timedelta(days=2)),
        SearchQuery(terms=terms, agents=("bob",), since=now - timedelta(days=5), until=now - timedelta(days=1), tags=("even",)),
    ):
        expected = await scan_all(store, query, sessions)
        assert expected
        assert await find_all(store, query) == expected
        assert await find_all(store, query, limit=3) == expected


async def test_hits_of_a_session_stand_together_in_their_order(store: SessionStore) -> None:
    for _ in range(3):
        await fill(store, ["word", "else", "a word", "word"], task="word")
    page = await store.search(SearchQuery(terms=parse_terms("word")))
    places = [(hit.session.session_id, hit.sequence) for hit in page.hits]
    ids = list(dict.fromkeys(session_id for session_id, _ in places))
    assert places == [(session_id, sequence) for session_id in ids for sequence in (0, 1, 3, 4)]


async def test_a_hit_carries_what_a_page_shows(store: SessionStore) -> None:
    session = await store.create_session(make_session(title="A title", task="the task"))
    (message,) = await store.append_messages(session.session_id, [make_draft(source="ann", content="Ｗｏｒｄ")])
    (hit,) = (await store.search(SearchQuery(terms=parse_terms("word")))).hits
    assert (hit.session.session_id, hit.session.title, hit.sequence) == (session.session_id, "A title", 1)
    assert (hit.source, hit.timestamp, hit.text) == ("ann", message.timestamp, "Ｗｏｒｄ")
    (head,) = (await store.search(SearchQuery(terms=parse_terms("title")))).hits
    assert (head.sequence, head.source) == (0, None)
    assert "A title" in head.text


async def test_a_new_title_is_found_and_the_old_one_is_not(store: SessionStore, session: Session) -> None:
    await store.update_session(session.session_id, title="firstname")
    await store.update_session(session.session_id, title="secondname")
    assert await find_all(store, SearchQuery(terms=parse_terms("firstname"))) == set()
    assert await find_all(store, SearchQuery(terms=parse_terms("secondname"))) == {(session.session_id, 0)}


async def test_nothing_is_found_without_a_term(store: SessionStore, session: Session) -> None:
    assert (await store.search(SearchQuery(terms=()))).hits == ()
    assert await store.list_matches(session.session_id, ()) == []


@pytest.mark.parametrize("cursor", ["", "x", "W10", "bnVsbA", "é"])
async def test_a_cursor_from_nowhere_is_refused(store: SessionStore, cursor: str) -> None:
    with pytest.raises(InvalidCursor, match="first page"):
        await store.search(SearchQuery(terms=parse_terms("x")), cursor=cursor)
