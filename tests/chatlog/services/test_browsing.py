from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import chatlog
from chatlog import SessionNotFound, SessionStatus, SessionStore
from chatlog.errors import InvalidNumber
from chatlog.services import browsing
from chatlog.services.browsing import get_transcript, list_front_page, list_older_sessions
from tests.factories import make_draft, make_drafts, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def test_running_sessions_are_on_top_and_nowhere_else(store: SessionStore) -> None:
    old_but_running = await store.create_session(make_session(created_at=NOON - timedelta(days=1)))
    await store.append_messages(old_but_running.session_id, [make_draft(timestamp=NOON)])
    stalled = await store.create_session(make_session(created_at=NOON - timedelta(hours=1)))
    ended = await store.create_session(make_session(created_at=NOON))
    await store.update_session(ended.session_id, status=SessionStatus.COMPLETED)
    page = await list_front_page(store, now=NOON)
    assert [session.session_id for session in page.running] == [old_but_running.session_id]
    assert [session.session_id for session in page.sessions] == [ended.session_id, stalled.session_id]


async def test_older_sessions_follow_the_front_page(store: SessionStore) -> None:
    made = [await store.create_session(make_session(created_at=NOON - timedelta(hours=n))) for n in range(1, 6)]
    page = await list_front_page(store, now=NOON, limit=3)
    assert page.next_cursor is not None
    older = await list_older_sessions(store, cursor=page.next_cursor, limit=3)
    assert [*page.sessions, *older.items] == made
    assert older.next_cursor is None


async def test_a_transcript_is_the_newest_part_and_leads_back_to_the_start(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "TRANSCRIPT_MESSAGES", 4)
    session = await store.create_session(make_session())
    stored = await store.append_messages(session.session_id, make_drafts(10))
    part = await get_transcript(store, session.session_id)
    assert (part.messages, part.previous, part.last_sequence) == (tuple(stored[6:]), stored[5], 10)
    part = await get_transcript(store, session.session_id, before=part.first_sequence)
    assert (part.messages, part.previous) == (tuple(stored[2:6]), stored[1])
    part = await get_transcript(store, session.session_id, before=part.first_sequence)
    assert (part.messages, part.previous) == (tuple(stored[:2]), None)
    part = await get_transcript(store, session.session_id, before=part.first_sequence)
    assert (part.messages, part.first_sequence) == ((), 0)


async def test_an_empty_session_has_an_empty_transcript_and_an_unknown_one_has_none(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    part = await get_transcript(store, session.session_id)
    assert (part.messages, part.previous, part.last_sequence) == ((), None, 0)
    with pytest.raises(SessionNotFound):
        await get_transcript(store, "session_nobody")
    with pytest.raises(InvalidNumber, match="before"):
        await get_transcript(store, session.session_id, before=-1)
