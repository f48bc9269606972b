"""Who is talking now, as the wall shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import Session, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.services.watching import MOST_SESSIONS, STALLED_FOR, Liveliness, Wall, WallReader
from tests.factories import make_draft, make_session

NOW = utc_now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def talk(store: SessionStore, *ago: float, began: timedelta = timedelta(hours=2), **values: Any) -> Session:
    """A session with remarks so many seconds ago."""
    session = await store.create_session(make_session(created_at=NOW - began, **values))
    await store.append_messages(session.session_id, [make_draft(timestamp=NOW - timedelta(seconds=each)) for each in ago])
    return session


async def look(store: SessionStore, *, later: timedelta = timedelta(0)) -> Wall:
    return await WallReader(store).read(now=NOW + later)


def lively(wall: Wall) -> dict[str, Liveliness]:
    return {one.session.session_id: one.liveliness for one in wall.sessions}


async def test_a_session_is_running_quiet_or_stalled_by_its_silence(store: SessionStore) -> None:
    running, quiet, stalled = await talk(store, 5), await talk(store, 90), await talk(store, 400)
    wall = await look(store)
    assert lively(wall) == {
        running.session_id: Liveliness.RUNNING,
        quiet.session_id: Liveliness.QUIET,
        stalled.session_id: Liveliness.STALLED,
    }
    assert wall.running == 2
    assert not any(one.is_unusual for one in wall.sessions)  # none has a habit


async def test_a_silence_beyond_its_own_habit_is_marked_and_a_habitual_one_is_not(store: SessionStore) -> None:
    fast = await talk(store, *range(140, 40, -10))
    slow = await talk(store, *range(1050, 50, -100))
    marks = {one.session.session_id: one.is_unusual for one in (await look(store)).sessions}
    assert marks == {fast.session_id: True, slow.session_id: False}


async def test_who_spoke_last_is_known_and_that_nobody_has(store: SessionStore) -> None:
    session = await talk(store, began=timedelta(minutes=1))
    assert (await look(store)).sessions[0].last is None
    [message] = await store.append_messages(session.session_id, [make_draft(source="bob")])
    assert (await look(store)).sessions[0].last == message


async def test_an_ended_session_stays_for_a_while(store: SessionStore) -> None:
    session = await talk(store, 5)
    await store.update_session(session.session_id, status=SessionStatus.FAILED)
    assert lively(await look(store)) == {session.session_id: Liveliness.ENDED}
    assert (await look(store, later=timedelta(days=1))).sessions == ()


async def test_an_old_session_that_was_on_the_wall_is_seen_to_end(store: SessionStore) -> None:
    session = await talk(store, 5, began=timedelta(days=9))
    reader = WallReader(store)
    await reader.read(now=NOW)
    for _ in range(50):  # newer ones that are over
        other = await store.create_session(make_session(created_at=NOW - timedelta(days=1)))
        await store.update_session(other.session_id, status=SessionStatus.COMPLETED)
    await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
    wall = await reader.read(now=NOW + timedelta(seconds=1))
    assert lively(wall)[session.session_id] is Liveliness.ENDED


async def test_what_was_left_alone_long_ago_and_what_was_deleted_is_not_shown(store: SessionStore) -> None:
    await talk(store, STALLED_FOR.total_seconds() + 1)
    deleted = await talk(store, 5)
    await store.delete_session(deleted.session_id)
    wall = await look(store)
    assert wall.sessions == ()
    assert wall.newest is not None


async def test_an_empty_store_has_an_empty_wall(store: SessionStore) -> None:
    assert await look(store) == Wall((), 0, has_more=False, newest=None)


async def test_more_than_fit_are_told_of(store: SessionStore) -> None:
    for _ in range(MOST_SESSIONS):
        await talk(store, 5)
    wall = await look(store)
    assert (len(wall.sessions), wall.has_more) == (MOST_SESSIONS, False)
    newest = await talk(store, 5, began=timedelta(minutes=1))
    wall = await look(store)
    assert (len(wall.sessions), wall.has_more) == (MOST_SESSIONS, True)
    assert wall.sessions[0].session.session_id == newest.session_id


async def test_messages_are_read_again_only_where_there_are_new_ones(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await talk(store, 5), await talk(store, 5)
    reader = WallReader(store)
    await reader.read(now=NOW)
    read: list[str] = []
    list_messages_before = store.list_messages_before

    async def note(session_id: str, **values: Any) -> Any:
        read.append(session_id)
        return await list_messages_before(session_id, **values)

    monkeypatch.setattr(store, "list_messages_before", note)
    await reader.read(now=NOW)
    assert read == []
    await store.append_messages(two.session_id, [make_draft(source="carol")])
    wall = await reader.read(now=NOW)
    assert read == [two.session_id]
    assert {w.session.session_id: w.last.source for w in wall.sessions if w.last}[two.session_id] == "carol"
    assert one.session_id in lively(wall)
