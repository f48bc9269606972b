from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from chatlog import Session, SessionStatus, SessionStore
from chatlog.config import keep_days_from_env
from chatlog.domain.clock import utc_now
from chatlog.domain.limits import UNDO_PERIOD
from chatlog.errors import ConfigurationError
from chatlog.services import retention
from chatlog.services.retention import delete_expired, list_expired, preview, remove_deleted
from tests.chatlog.services.taking import keep, open_sqlite
from tests.factories import make_draft

NOW = utc_now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_sqlite(tmp_path / "store.sqlite3") as opened:
        yield opened


async def keep_old(store: SessionStore, *, days: float, said_days: float | None = None, **overrides: object) -> Session:
    """A session that began so many days ago, and in which something was said so many days ago."""
    said = days if said_days is None else said_days
    return await keep(
        store, [make_draft(timestamp=NOW - timedelta(days=said))], created_at=NOW - timedelta(days=days), **overrides
    )


def expired(store: SessionStore, *, days: float = 30, starred: Collection[str] = ()) -> AsyncIterator[Session]:
    async def find_exempt(session_ids: Sequence[str]) -> set[str]:
        return set(session_ids) & set(starred)

    return list_expired(store, before=NOW - timedelta(days=days), now=NOW, find_exempt=find_exempt)


async def test_what_has_been_silent_for_longer_goes_and_the_rest_stays(store: SessionStore) -> None:
    old = await keep_old(store, days=31)
    given_up = await keep_old(store, days=40, status=SessionStatus.ACTIVE)
    starred = await keep_old(store, days=50)
    await keep_old(store, days=60, said_days=29)
    await keep_old(store, days=29)
    found = [session.session_id async for session in expired(store, starred={starred.session_id})]
    assert found == [old.session_id, given_up.session_id]


async def test_a_running_session_never_goes(store: SessionStore) -> None:
    await keep_old(store, days=2, said_days=0.002, status=SessionStatus.ACTIVE)
    assert [session async for session in expired(store, days=0.001)] == []


async def test_the_preview_tells_how_much_would_go(store: SessionStore) -> None:
    sessions = [await keep_old(store, days=40 + number, title=f"Session {number}") for number in range(7)]
    found = await preview(expired(store))
    assert (found.sessions, found.messages) == (7, 7)
    assert found.oldest == sessions[-1].last_activity_at
    assert found.newest == sessions[0].last_activity_at
    assert [session.title for session in found.first] == [f"Session {number}" for number in range(5)]


async def test_nothing_expired_is_an_empty_preview(store: SessionStore) -> None:
    assert await preview(expired(store)) == retention.RetentionPreview(0, 0, None, None, ())


async def test_what_is_deleted_can_be_restored_and_stopping_loses_nothing(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE_SESSIONS", 2)
    sessions = [await keep_old(store, days=40 + number) for number in range(5)]
    deleted: list[str] = []

    def stop_after_three(session: Session) -> None:
        deleted.append(session.session_id)
        if len(deleted) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await delete_expired(store, expired(store), on_deleted=stop_after_three)
    await delete_expired(store, expired(store), on_deleted=lambda session: deleted.append(session.session_id))
    assert deleted == [session.session_id for session in sessions]
    assert (await store.list_sessions()).items == ()
    assert (await store.restore_session(sessions[0].session_id)).message_count == 1


async def test_what_was_deleted_goes_for_good_when_it_cannot_be_restored_any_more(store: SessionStore) -> None:
    session = await keep_old(store, days=40)
    await store.delete_session(session.session_id)
    assert await remove_deleted(store, now=utc_now() + UNDO_PERIOD - timedelta(hours=1)) == 0
    assert await remove_deleted(store, now=utc_now() + UNDO_PERIOD + timedelta(hours=1)) == 1


def test_the_number_of_days_is_checked() -> None:
    assert keep_days_from_env({}) is None
    assert keep_days_from_env({"CHATLOG_KEEP_DAYS": " "}) is None
    assert keep_days_from_env({"CHATLOG_KEEP_DAYS": " 90 "}) == 90


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "a week", "36501", "９", "9" * 5000])
def test_a_number_of_days_that_cannot_be_is_named(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"CHATLOG_KEEP_DAYS=.* is not a number of days from 1 to 36,500"):
        keep_days_from_env({"CHATLOG_KEEP_DAYS": value})
