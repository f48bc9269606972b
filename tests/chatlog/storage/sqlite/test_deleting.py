"""What only the embedded store does when something is deleted: it is removed for good in small steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.search import parse_terms
from chatlog.errors import SessionDeleted, SessionNotFound
from chatlog.storage.sqlite import purging
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_draft, make_drafts, make_session

SOON = timedelta(minutes=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
    async with SqliteSessionStore(tmp_path / "c.sqlite3") as opened:
        yield opened


def count_rows(path: Path) -> tuple[int, ...]:
    connection = apsw.Connection(str(path))
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        for table in ("sessions", "messages", "search_index")
    ]
    connection.close()
    return tuple(counts)


async def test_a_deleted_session_cannot_be_read_by_its_id(store: SqliteSessionStore) -> None:
    session = await store.create_session(make_session(task="word"))
    await store.append_messages(session.session_id, make_drafts(3, content="word"))
    await store.delete_session(session.session_id)
    for read in (store.list_messages, store.list_messages_before, store.get_last_sequence, store.recount_session):
        with pytest.raises(SessionDeleted):
            await read(session.session_id)
    assert await store.list_messages(session.session_id, after=1) == []
    assert await store.list_matches(session.session_id, parse_terms("word")) == []
    with pytest.raises(SessionDeleted):
        await store.create_session(session)


async def test_what_is_purged_leaves_no_row_and_frees_its_id(store: SqliteSessionStore) -> None:
    kept = await store.create_session(make_session(task="word"))
    await store.append_messages(kept.session_id, make_drafts(3, content="word"))
    gone = await store.create_session(make_session(task="word", created_at=kept.created_at))
    await store.append_messages(gone.session_id, make_drafts(600, content="word"))
    await store.delete_session(gone.session_id)
    assert await store.purge_deleted(before=utc_now() + SOON) == 1
    assert await store.purge_deleted(before=utc_now() + SOON) == 0
    with pytest.raises(SessionNotFound) as caught:
        await store.restore_session(gone.session_id)
    assert not isinstance(caught.value, SessionDeleted)
    assert len((await store.search(SearchQuery(terms=parse_terms("word")))).hits) == 4
    await store.create_session(make_session(session_id=gone.session_id, task="another"))
    await store.append_messages(gone.session_id, [make_draft(content="word")])
    assert len((await store.search(SearchQuery(terms=parse_terms("word")))).hits) == 5
    await store.aclose()
    assert count_rows(store.path) == (2, 4, 6)


async def test_a_purge_that_was_cut_off_is_finished_by_the_next(
    store: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(900))
    await store.delete_session(session.session_id)
    real, slices = purging._remove_messages, []

    def fail_at_the_second(connection: apsw.Connection, *, start: int) -> None:
        slices.append(start)
        if len(slices) == 2:
            raise apsw.FullError("no room")
        real(connection, start=start)

    monkeypatch.setattr(purging, "_remove_messages", fail_at_the_second)
    with pytest.raises(Exception, match="disk is full"):
        await store.purge_deleted(before=utc_now() + SOON)
    with pytest.raises(SessionNotFound):  # half of it must not come back
        await store.restore_session(session.session_id)
    with pytest.raises(SessionNotFound):
        await store.append_messages(session.session_id, [make_draft()])
    monkeypatch.setattr(purging, "_remove_messages", real)
    assert await store.purge_deleted(before=utc_now() - SOON) == 1
    await store.aclose()
    assert count_rows(store.path) == (0, 0, 0)


async def test_a_long_session_is_purged_in_steps_between_which_others_save(
    store: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session())
    for _ in range(5):
        await store.append_messages(session.session_id, make_drafts(1_000))
    await store.delete_session(session.session_id)
    sizes, real = [], purging._remove_messages

    def measured(connection: apsw.Connection, *, start: int) -> None:
        before = connection.total_changes()
        real(connection, start=start)
        sizes.append(connection.total_changes() - before)

    monkeypatch.setattr(purging, "_remove_messages", measured)
    assert await store.purge_deleted(before=utc_now() + SOON) == 1
    assert len(sizes) >= 20
    await store.aclose()
    assert count_rows(store.path) == (0, 0, 0)
