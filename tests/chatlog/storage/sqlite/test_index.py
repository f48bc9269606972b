"""The search index follows by itself, heals by itself, and is in nobody's way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chatlog
from chatlog.domain.filters import SearchQuery
from chatlog.domain.search import parse_terms
from chatlog.storage.sqlite import indexing, writer
from chatlog.storage.sqlite.connection import open_connection
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_draft, make_drafts, make_session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteSessionStore]:
    async with SqliteSessionStore(path) as opened:
        yield opened


@pytest.fixture
def idle_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the index never got to work."""
    monkeypatch.setattr(writer, "index_some", lambda connection: indexing.Step(0, is_all=True))


def count_waiting(path: Path) -> int:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((count,),) = connection.execute("SELECT coalesce(sum(message_count - indexed), 0) FROM sessions").fetchall()
    connection.close()
    return count


def count_indexed(path: Path) -> int:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((count,),) = connection.execute("SELECT count(*) FROM search_index").fetchall()
    connection.close()
    return count


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def search(store: SqliteSessionStore, text: str) -> list[int]:
    page = await store.search(SearchQuery(terms=parse_terms(text)), limit=1000)
    return [hit.sequence for hit in page.hits]


async def test_it_follows_by_itself(store: SqliteSessionStore, path: Path) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(300))
    await until(lambda: count_waiting(path) == 0)
    assert count_indexed(path) == 301  # the headline too


async def test_it_follows_while_saves_never_stop(store: SqliteSessionStore, path: Path) -> None:
    sessions = [await store.create_session(make_session()) for _ in range(8)]
    saved, behind = 0, []

    async def save(session: chatlog.Session) -> None:
        nonlocal saved
        for _ in range(400):
            await store.append_messages(session.session_id, [make_draft()])
            saved += 1
            if saved % 100 == 0:
                behind.append(count_waiting(path))

    await asyncio.gather(*map(save, sessions))
    assert max(behind) < 1_000  # of 3,200
    await until(lambda: count_waiting(path) == 0)
    assert count_indexed(path) == 3_208


async def test_it_is_not_left_behind_by_many_messages_at_once(store: SqliteSessionStore, path: Path) -> None:
    session = await store.create_session(make_session())
    behind = []
    for _ in range(8):
        await store.append_messages(session.session_id, make_drafts(1_000))
        behind.append(count_waiting(path))
    assert max(behind) < 3_000


async def test_what_it_has_not_got_to_is_found_at_once(idle_index: None, store: SqliteSessionStore, path: Path) -> None:
    session = await store.create_session(make_session(task="firstword"))
    assert await search(store, "firstword") == [0]
    await store.append_messages(session.session_id, [make_draft(content="secondword")])
    assert await search(store, "secondword") == [1]
    assert await store.list_matches(session.session_id, parse_terms("secondword")) == [1]
    assert count_indexed(path) == 0


async def test_half_in_the_index_and_half_not_is_found_once_and_in_order(
    store: SqliteSessionStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session(task="word"))
    await store.append_messages(session.session_id, make_drafts(5, content="a word"))
    await until(lambda: count_waiting(path) == 0)
    monkeypatch.setattr(writer, "index_some", lambda connection: indexing.Step(0, is_all=True))
    await store.append_messages(session.session_id, make_drafts(5, content="a word"))
    newer = await store.create_session(make_session(task="a word"))
    await store.append_messages(newer.session_id, make_drafts(2, content="word"))
    assert await search(store, "word") == [0, 1, 2, *range(11)]
    assert await store.list_matches(session.session_id, parse_terms("word")) == [*range(1, 11)]
    assert count_waiting(path) == 8


async def test_closing_leaves_nothing_waiting(path: Path) -> None:
    async with SqliteSessionStore(path) as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, make_drafts(1_000))
    assert count_waiting(path) == 0


async def test_a_writer_that_was_killed_leaves_nothing_behind_for_long(path: Path) -> None:
    program = (
        "import asyncio, os, signal, sys, chatlog\n"
        "from chatlog.storage.sqlite import indexing, writer\n"
        "writer.index_some = lambda connection: indexing.Step(0, is_all=True)\n"
        "async def main():\n"
        "    async with chatlog.open_store(sys.argv[1]) as store, chatlog.Recorder(store, task='killed') as session:\n"
        "        for number in range(20):\n"
        "            await session.save(source='a', content=f'lastword {number}')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{path}"]
    assert (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == -9
    assert count_waiting(path) == 21
    async with SqliteSessionStore(path) as store:
        assert await search(store, "lastword") == [*range(1, 21)]
        await until(lambda: count_waiting(path) == 0)
        assert await search(store, "lastword") == [*range(1, 21)]


async def test_an_error_in_it_fails_no_save_and_is_told_once(
    store: SqliteSessionStore, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(indexing, "_RETRY_SECONDS", 0.05)
    real, tries = writer.index_some, []

    def fail(connection: apsw.Connection) -> indexing.Step:
        tries.append(time.monotonic())
        raise apsw.FullError("no room for the index")

    monkeypatch.setattr(writer, "index_some", fail)
    session = await store.create_session(make_session())
    while len(tries) < 4:
        await store.append_messages(session.session_id, [make_draft(content="a word")])
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(tries))
    assert [record.message for record in caplog.records if "behind" in record.message] == [
        f"The search index of {path} is behind; it is tried again. Nothing is lost."
    ]
    saved = len(await store.list_messages(session.session_id, limit=1000))
    assert len(await search(store, "word")) == saved
    monkeypatch.setattr(writer, "index_some", real)
    await until(lambda: count_waiting(path) == 0)
    assert len(await search(store, "word")) == saved


async def test_one_step_takes_no_longer_than_a_save_may_wait(
    store: SqliteSessionStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(1_000))
    await store.aclose()
    connection = open_connection(path)
    connection.execute("UPDATE sessions SET indexed = -1")
    connection.execute("DELETE FROM search_index")
    monkeypatch.setattr(indexing, "MOST_SECONDS", -1.0)
    assert indexing.index_some(connection) == (1, False)  # the headline, and that is all there is time for
    assert count_indexed(path) == 1
    assert not indexing.index_some(connection).is_all
    assert 1 < count_indexed(path) < 200
    assert connection.pragma("synchronous") == 2  # a save waits for the disk again


async def test_a_failed_step_is_undone_and_saves_wait_for_the_disk_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = open_connection(path)
    monkeypatch.setattr(indexing, "_index_until", lambda connection, deadline: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        indexing.index_some(connection)
    assert not connection.in_transaction
    assert connection.pragma("synchronous") == 2


async def test_a_page_of_hits_goes_on_inside_a_session(store: SqliteSessionStore) -> None:
    for _ in range(2):
        session = await store.create_session(make_session(task="word"))
        await store.append_messages(session.session_id, make_drafts(7, content="word"))
    query, cursor, found = SearchQuery(terms=parse_terms("word")), None, []
    while True:
        page = await store.search(query, limit=3, cursor=cursor)
        found += [hit.sequence for hit in page.hits]
        if (cursor := page.next_cursor) is None:
            break
    assert found == [*range(8), *range(8)]


texts = st.lists(st.sampled_from([*"空間かｶﾞab 1.%🎉", "か\u3099", "é", "ab"]), min_size=1, max_size=8).map("".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(remarks=st.lists(texts.filter(str.strip), min_size=1, max_size=12), waiting=st.integers(0, 12), data=st.data())
def test_however_far_it_has_got_the_same_is_found(
    tmp_path_factory: pytest.TempPathFactory, remarks: list[str], waiting: int, data: st.DataObject
) -> None:
    """The same store asked when all, some and nothing of it is indexed."""
    path = tmp_path_factory.mktemp("s") / "c.sqlite3"
    piece = data.draw(st.sampled_from(remarks))[: data.draw(st.integers(1, 3))]
    asyncio.run(compare(path, remarks, SearchQuery(terms=parse_terms(piece)), waiting))


async def compare(path: Path, remarks: list[str], query: SearchQuery, waiting: int) -> None:
    async with SqliteSessionStore(path) as store:
        session = await store.create_session(make_session(task=remarks[0]))
        stored = await store.append_messages(session.session_id, [make_draft(content=remark) for remark in remarks])
        if not query.terms:
            return
        expected = [0] * query.accepts_headline(session) + [each.sequence for each in stored if query.accepts_message(each)]
        found = [hit.sequence for hit in (await store.search(query)).hits]
    connection = open_connection(path)
    connection.execute("UPDATE sessions SET indexed = max(-1, message_count - ?)", (waiting,))
    connection.execute("DELETE FROM search_index WHERE (rowid & 16777215) > (SELECT indexed FROM sessions)")
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "index_some", lambda connection: indexing.Step(0, is_all=True))
        async with SqliteSessionStore(path) as store:
            half = [hit.sequence for hit in (await store.search(query)).hits]
            matched = await store.list_matches(session.session_id, query.terms)
    assert found == half == expected
    assert matched == [sequence for sequence in expected if sequence]
