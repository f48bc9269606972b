"""What every store promises about deleting, and about undoing it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatlog import Session, SessionNotFound, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.search import parse_terms
from chatlog.errors import SessionDeleted
from tests.factories import make_draft, make_drafts, make_session

FOR_REMARK = SearchQuery(terms=parse_terms("remark"))


async def test_a_deleted_session_is_hidden_everywhere(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(3))
    await store.delete_session(session.session_id)
    assert (await store.list_sessions()).items == ()
    assert await store.get_sessions([session.session_id]) == []
    assert (await store.search(FOR_REMARK)).hits == ()
    with pytest.raises(SessionDeleted, match="restored"):
        await store.get_session(session.session_id)
    with pytest.raises(SessionDeleted):
        await store.update_session(session.session_id, status=SessionStatus.FAILED)


async def test_restoring_brings_everything_back(store: SessionStore) -> None:
    made = make_session(title="空間", tags=["a"], metadata={"x": 1})
    session = await store.create_session(made)
    messages = await store.append_messages(session.session_id, make_drafts(120))
    before = await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
    await store.delete_session(session.session_id)
    restored = await store.restore_session(session.session_id)
    assert _without_clock(restored) == _without_clock(before)
    assert await store.list_messages(session.session_id, limit=200) == messages
    assert [found.session_id for found in (await store.list_sessions()).items] == [session.session_id]
    assert len((await store.search(FOR_REMARK, limit=200)).hits) == 120


def _without_clock(session: Session) -> tuple[object, ...]:
    return session.title, session.task, session.tags, session.status, session.message_count, session.participants


async def test_deleting_and_restoring_twice_changes_nothing(store: SessionStore, session: Session) -> None:
    await store.delete_session(session.session_id)
    await store.delete_session(session.session_id)
    assert await store.restore_session(session.session_id) == await store.restore_session(session.session_id)


async def test_what_is_saved_meanwhile_is_there_after_the_undo(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(2))
    await store.delete_session(session.session_id)
    (late,) = await store.append_messages(session.session_id, [make_draft()])
    assert late.sequence == 3
    assert (await store.list_sessions()).items == ()
    await store.restore_session(session.session_id)
    assert len(await store.list_messages(session.session_id)) == 3


async def test_an_unknown_session_is_neither_deleted_nor_restored(store: SessionStore) -> None:
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.delete_session("session_nobody")
    with pytest.raises(SessionNotFound, match="session_nobody"):
        await store.restore_session("session_nobody")


async def test_only_what_was_deleted_before_is_purged(store: SessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(3))
    kept = await store.create_session(make_session())
    await store.delete_session(session.session_id)
    await store.purge_deleted(before=utc_now() - timedelta(hours=1))
    await store.restore_session(session.session_id)
    assert len(await store.list_messages(session.session_id)) == 3
    assert {found.session_id for found in (await store.list_sessions()).items} == {session.session_id, kept.session_id}
