from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import chatlog
from chatlog import MessageDraft, SessionStore, StorageUnavailable
from chatlog.domain.clock import utc_now
from chatlog.services import persisting
from dashboard.demo.saying import until_stored
from dashboard.demo.scripts import list_scripts
from dashboard.demo.seeding import seed


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def everything(store: SessionStore) -> list[tuple[object, ...]]:
    sessions = (await store.list_sessions(limit=100)).items
    return [(session, *await store.list_messages(session.session_id, limit=1000)) for session in sessions]


async def test_what_is_over_is_stored_once_and_spread_over_the_past_days(store: SessionStore) -> None:
    over = [script for script in list_scripts() if script.status is not None]
    await seed(store, list_scripts())
    first = await everything(store)
    await seed(store, list_scripts())
    assert await everything(store) == first
    sessions = (await store.list_sessions()).items
    assert {s.title: (s.status, s.message_count) for s in sessions} == {s.title: (s.status, len(s.remarks)) for s in over}
    assert len({session.created_at.date() for session in sessions}) >= 5
    assert all(s.last_message_at is not None and s.created_at < s.last_message_at < utc_now() for s in sessions)


async def test_what_a_killed_run_left_half_done_is_completed(store: SessionStore) -> None:
    script = next(script for script in list_scripts() if script.status is not None)
    await seed(store, [script])
    (session,) = (await store.list_sessions()).items
    whole = await store.list_messages(session.session_id)

    class Killed(Exception):
        pass

    class DiesBeforeTheEnd:
        async def update_session(self, *_: object, **__: object) -> None:
            raise Killed

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    await store.update_session(session.session_id, status=chatlog.SessionStatus.ACTIVE)
    with pytest.raises(Killed):
        await seed(DiesBeforeTheEnd(), [script])  # type: ignore[arg-type]
    await seed(store, [script])
    assert await store.list_messages(session.session_id) == whole
    assert (await store.get_session(session.session_id)).status is script.status


async def test_a_store_that_is_away_is_waited_for_and_told_once(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(persisting, "FIRST_PAUSE_SECONDS", 0.001)
    attempts: list[MessageDraft | None] = []

    async def attempt() -> str:
        attempts.append(None)
        if len(attempts) < 4:
            raise StorageUnavailable("The disk is asleep.")
        return "stored"

    assert await until_stored(attempt) == "stored"
    assert len(attempts) == 4
    assert [record.getMessage() for record in caplog.records] == [
        "Waiting for the store: The disk is asleep.",
        "The store answers again.",
    ]
