"""What only the embedded store promises: its safety settings, its changes seen by other processes, its file."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import chatlog
from chatlog.errors import StorageUnavailable
from chatlog.storage.sqlite import connection, messages, sessions
from chatlog.storage.sqlite.connection import open_connection
from tests.factories import make_draft, make_drafts, make_session


def test_a_commit_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    opened = open_connection(tmp_path / "c.sqlite3")
    assert opened.pragma("journal_mode") == "wal"
    assert opened.pragma("synchronous") == 2  # FULL
    assert opened.pragma("foreign_keys") == 1


def test_sqlite_is_new_enough_not_to_corrupt_a_write_ahead_log() -> None:
    assert apsw.sqlite_lib_version().split(".") >= ["3", "51", "3"]


async def test_a_write_of_another_process_is_noticed(tmp_path: Path) -> None:
    location = f"sqlite:///{tmp_path}/c.sqlite3"
    async with chatlog.open_store(location) as store:
        session = await store.create_session(make_session())
        while await store.wait_for_change(at_most=0.05):
            pass  # the session, and then its place in the search index
        waiting = asyncio.create_task(store.wait_for_change(at_most=30))
        program = (
            "import asyncio, sys, chatlog\n"
            "async def main():\n"
            "    async with chatlog.open_store(sys.argv[1]) as store, chatlog.Recorder(store, session_id=sys.argv[2]) as s:\n"
            "        await s.save(source='other', content='process')\n"
            "asyncio.run(main())\n"
        )
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program, location, session.session_id], check=True)
        assert await asyncio.wait_for(waiting, 30)
        assert (await store.list_messages(session.session_id))[0].source == "other"


async def test_waiting_callers_share_a_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as store:
        session = await store.create_session(make_session())
        commits: list[int] = []
        run_group = store._writer._commit
        monkeypatch.setattr(store._writer, "_commit", lambda group: (commits.append(len(group)), run_group(group)))
        await asyncio.gather(*(store.append_messages(session.session_id, [draft]) for draft in make_drafts(200)))
        assert sum(commits) == 200
        assert len(commits) < 50


async def test_one_store_serves_two_event_loops(tmp_path: Path) -> None:
    store = chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3")
    session = await store.create_session(make_session())
    await asyncio.to_thread(asyncio.run, store.append_messages(session.session_id, [make_draft()]))
    assert (await store.append_messages(session.session_id, [make_draft()]))[0].sequence == 2
    await store.aclose()


async def test_opening_at_once_by_many_makes_the_tables_once(tmp_path: Path) -> None:
    stores = [chatlog.open_store(f"sqlite:///{tmp_path}/new/c.sqlite3") for _ in range(8)]
    await asyncio.gather(*(store.create_session(make_session()) for store in stores))
    assert len((await stores[0].list_sessions()).items) == 8
    for store in stores:
        await store.aclose()


def test_a_new_file_is_opened_while_another_process_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = apsw.Connection(str(tmp_path / "c.sqlite3"))
    other.execute("BEGIN IMMEDIATE; CREATE TABLE unfinished (id)")  # now SQLite refuses the switch to WAL at once
    monkeypatch.setattr(connection, "_pause", lambda: other.in_transaction and other.execute("ROLLBACK"))
    assert open_connection(tmp_path / "c.sqlite3").pragma("journal_mode") == "wal"


def test_a_new_file_that_another_process_never_lets_go_is_said_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = apsw.Connection(str(tmp_path / "c.sqlite3"))
    other.execute("BEGIN IMMEDIATE; CREATE TABLE unfinished (id)")
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    with pytest.raises(StorageUnavailable, match="locked"):
        open_connection(tmp_path / "c.sqlite3")


async def test_the_cost_of_a_save_does_not_grow_with_the_session(tmp_path: Path) -> None:
    """Counted in steps of SQLite's virtual machine, which do not depend on the machine."""
    connection = open_connection(tmp_path / "c.sqlite3")
    session = sessions.insert_session(connection, make_session())

    def steps_of_a_save() -> int:
        steps = 0

        def count() -> bool:
            nonlocal steps
            steps += 1
            return False

        connection.set_progress_handler(count, 1)
        messages.append_messages(connection, session.session_id, [make_draft()])
        connection.set_progress_handler(None)
        return steps

    connection.execute("BEGIN")
    messages.append_messages(connection, session.session_id, make_drafts(100))
    at_100 = steps_of_a_save()
    messages.append_messages(connection, session.session_id, make_drafts(9_900))
    assert steps_of_a_save() <= at_100 * 1.2
    connection.execute("ROLLBACK")
