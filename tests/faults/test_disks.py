"""Disks that are full, read-only, locked or broken: a typed error that says so, nothing lost, and life goes on after."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

import chatlog
from chatlog.errors import StorageCorrupt, StorageError, StorageFull, StorageReadOnly, StorageUnavailable
from chatlog.storage.sqlite import connection as sqlite_connection
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_draft, make_drafts, make_session

LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


async def test_a_full_disk_refuses_saves_keeps_what_is_there_and_recovers_by_itself(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 600_000)
    async with chatlog.open_store(f"sqlite:///{small_disk}/c.sqlite3") as store:
        session = await store.create_session(make_session())
        drafts = make_drafts(200, content="x" * 5_000)
        stored: list[chatlog.Message] = []
        with pytest.raises(StorageFull, match=r"c\.sqlite3: the disk is full\. Make room"):
            for draft in drafts:
                stored += await store.append_messages(session.session_id, [draft])
        refused = drafts[len(stored)]
        assert stored
        assert await store.list_messages(session.session_id, limit=1000) == stored

        ballast.unlink()
        (message,) = await store.append_messages(session.session_id, [refused])
        assert message.sequence == len(stored) + 1
        assert (await store.get_session(session.session_id)).message_count == len(stored) + 1


async def test_a_read_only_disk_can_be_read_and_says_why_it_cannot_be_written(small_disk: Path) -> None:
    location = f"sqlite:///{small_disk}/c.sqlite3"
    async with chatlog.open_store(location) as store:
        session = await store.create_session(make_session())
        stored = await store.append_messages(session.session_id, make_drafts(3))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)  # noqa: ASYNC221  # nothing else runs meanwhile
    async with chatlog.open_store(location) as store:
        assert await store.list_messages(session.session_id) == stored
        assert (await store.list_sessions()).items[0].message_count == 3
        with pytest.raises(StorageReadOnly, match="cannot be"):
            await store.append_messages(session.session_id, [make_draft()])
    with pytest.raises(StorageReadOnly, match="nowhere"):
        async with chatlog.open_store(f"sqlite:///{small_disk}/nowhere/c.sqlite3"):
            pass


async def test_figures_of_use_are_there_on_a_read_only_disk_too(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    location = f"sqlite:///{small_disk}/c.sqlite3"
    async with chatlog.open_store(location) as store:
        await store.append_messages((await store.create_session(make_session())).session_id, make_drafts(3, timestamp=LONG_AGO))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)  # noqa: ASYNC221  # nothing else runs meanwhile
    async with SqliteSessionStore(small_disk / "c.sqlite3") as store:
        for _ in range(2):
            await check_figures(store)
    assert caplog.text == ""


async def test_figures_of_use_are_there_on_a_full_disk_and_it_is_told_that_they_are_not_kept(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SqliteSessionStore(small_disk / "c.sqlite3") as store:
        await store.append_messages((await store.create_session(make_session())).session_id, make_drafts(3, timestamp=LONG_AGO))
        with pytest.raises(OSError, match="No space"), (small_disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)
        for _ in range(2):
            await check_figures(store)
        assert "cannot be kept" in caplog.text
        (small_disk / "ballast").unlink()
        await check_figures(store)


async def check_figures(store: SqliteSessionStore) -> None:
    (figures,) = await store.list_usage(since=LONG_AGO.date(), until=LONG_AGO.date() + timedelta(days=3))
    assert sum(sum(agent.messages) for agent in figures.agents.values()) == 3


async def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite3"
    file.write_text("These are my notes, and no database.\n" * 100)
    with pytest.raises(StorageCorrupt, match=r"notes\.sqlite3"):
        async with chatlog.open_store(f"sqlite:///{file}"):
            pass
    assert file.read_text().startswith("These are my notes")


async def test_a_database_of_a_newer_chatlog_is_left_alone(tmp_path: Path) -> None:
    location = f"sqlite:///{tmp_path}/c.sqlite3"
    async with chatlog.open_store(location):
        pass
    apsw.Connection(str(tmp_path / "c.sqlite3")).pragma("user_version", 99)
    with pytest.raises(StorageCorrupt, match="newer chatlog"):
        async with chatlog.open_store(location):
            pass


async def test_a_lock_that_is_never_let_go_ends_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_SECONDS", 0.2)
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as store:
        session = await store.create_session(make_session())
        other = apsw.Connection(str(store.path))
        other.execute("BEGIN IMMEDIATE")
        draft = make_draft()
        with pytest.raises(StorageUnavailable, match="locked"):
            await store.append_messages(session.session_id, [draft])
        assert await store.list_messages(session.session_id) == []  # reading does not wait for a writer
        other.execute("ROLLBACK")
        assert (await store.append_messages(session.session_id, [draft]))[0].sequence == 1


class FailingDisk(apsw.VFS):
    """The system's disk, whose n-th write or sync from now on fails."""

    def __init__(self) -> None:
        self.countdown: int | None = None
        super().__init__("failing", base="")

    def xOpen(self, name: object, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name
        return FailingFile(self, name, flags)

    def strike(self) -> None:
        if self.countdown is not None:
            self.countdown -= 1
            if self.countdown < 0:
                raise apsw.IOError("the disk failed")


class FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: object, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.strike()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.strike()
        super().xSync(flags)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # apsw reports what SQLite makes of our strike
async def test_an_error_at_any_write_or_sync_is_never_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk()
    real = apsw.Connection
    monkeypatch.setattr(apsw, "Connection", lambda path, **options: real(path, vfs="failing", **options))
    failures = 0
    for call in range(12):
        disk.countdown = None
        async with chatlog.open_store(f"sqlite:///{tmp_path}/{call}.sqlite3") as store:
            session = await store.create_session(make_session())
            drafts = make_drafts(3)
            disk.countdown = call
            acknowledged = []
            for draft in drafts:
                try:
                    acknowledged += await store.append_messages(session.session_id, [draft])
                except StorageError:
                    failures += 1
            disk.countdown = None
            stored = await store.list_messages(session.session_id)
            assert {message.message_id for message in acknowledged} <= {message.message_id for message in stored}
            again = await store.append_messages(session.session_id, drafts)
            assert sorted(message.sequence for message in again) == [1, 2, 3]
            assert len(await store.list_messages(session.session_id)) == 3
    assert failures >= 6
