from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import chatlog
from chatlog import SessionNotFound, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState
from chatlog.errors import InvalidNumber
from chatlog.services import browsing
from chatlog.services.browsing import (
    find_newer,
    find_older,
    get_around,
    get_earlier,
    get_later,
    get_newest,
    list_front_page,
    list_page,
)
from tests.factories import make_draft, make_drafts, make_session

NOW = utc_now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def test_running_sessions_are_on_top_and_nowhere_else(store: SessionStore) -> None:
    old_but_running = await store.create_session(make_session(created_at=NOW - timedelta(days=1)))
    await store.append_messages(old_but_running.session_id, [make_draft(timestamp=NOW)])
    stalled = await store.create_session(make_session(created_at=NOW - timedelta(hours=1)))
    ended = await store.create_session(make_session(created_at=NOW))
    await store.update_session(ended.session_id, status=SessionStatus.COMPLETED)
    page = await list_front_page(store)
    assert [session.session_id for session in page.running] == [old_but_running.session_id]
    assert [session.session_id for session in page.sessions] == [ended.session_id, stalled.session_id]
    failed = await list_front_page(store, where=SessionFilter(states=frozenset({SessionState.COMPLETED})))
    assert [session.session_id for session in (*failed.running, *failed.sessions)] == [ended.session_id]


async def test_older_sessions_follow_the_front_page(store: SessionStore) -> None:
    made = [await store.create_session(make_session(created_at=NOW - timedelta(hours=n))) for n in range(1, 6)]
    page = await list_front_page(store, limit=3)
    assert page.next_cursor is not None
    older = await list_page(store, cursor=page.next_cursor, limit=3)
    assert [*page.sessions, *older.items] == made
    assert older.next_cursor is None


async def test_each_session_knows_its_neighbours(store: SessionStore) -> None:
    made = [await store.create_session(make_session(created_at=NOW - timedelta(hours=n))) for n in range(3)]
    assert await find_older(store, made[0]) == made[1]
    assert await find_newer(store, made[2]) == made[1]
    assert await find_newer(store, made[0]) is None
    assert await find_older(store, made[2]) is None


async def test_windows_lead_from_the_end_to_the_start_and_back(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "WINDOW_MESSAGES", 4)
    session = await store.create_session(make_session())
    stored = await store.append_messages(session.session_id, make_drafts(10))
    part = await get_newest(store, session.session_id)
    assert (part.messages, part.previous, part.has_later) == (tuple(stored[6:]), stored[5], False)
    part = await get_earlier(store, session.session_id, before=part.first_sequence)
    assert (part.messages, part.previous, part.has_later) == (tuple(stored[2:6]), stored[1], True)
    part = await get_earlier(store, session.session_id, before=part.first_sequence)
    assert (part.messages, part.previous) == (tuple(stored[:2]), None)
    part = await get_later(store, session.session_id, after=part.last_sequence)
    assert (part.messages, part.previous, part.has_later) == (tuple(stored[2:6]), stored[1], True)
    part = await get_later(store, session.session_id, after=part.last_sequence)
    assert (part.messages, part.previous, part.has_later) == (tuple(stored[6:]), stored[5], False)
    assert (await get_later(store, session.session_id, after=10)).messages == ()


@pytest.mark.parametrize("sequence", range(1, 11))
async def test_a_window_around_a_message_has_it_inside(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, sequence: int
) -> None:
    monkeypatch.setattr(browsing, "WINDOW_MESSAGES", 4)
    session = await store.create_session(make_session())
    stored = await store.append_messages(session.session_id, make_drafts(10))
    part = await get_around(store, session.session_id, sequence=sequence)
    assert stored[sequence - 1] in part.messages
    start = part.first_sequence
    assert part.messages == tuple(stored[start - 1 : start + 3])
    assert part.previous == (stored[start - 2] if start > 1 else None)
    assert part.has_later == (part.last_sequence < 10)


async def test_an_empty_session_has_an_empty_window_and_an_unknown_one_has_none(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    part = await get_newest(store, session.session_id)
    assert (part.messages, part.previous, part.last_sequence) == ((), None, 0)
    assert (await get_around(store, session.session_id, sequence=5)).messages == ()
    with pytest.raises(SessionNotFound):
        await get_newest(store, "session_nobody")
    with pytest.raises(InvalidNumber, match="before"):
        await get_earlier(store, session.session_id, before=-1)
    with pytest.raises(InvalidNumber, match="sequence"):
        await get_around(store, session.session_id, sequence=0)
