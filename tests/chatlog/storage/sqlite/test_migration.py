"""A file of an earlier version is brought up to date wholly or not at all."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import apsw
import pytest

from chatlog.domain.activity import Activity
from chatlog.domain.clock import parse_timestamp
from chatlog.domain.filters import SearchQuery
from chatlog.domain.search import parse_terms
from chatlog.errors import StorageReadOnly
from chatlog.storage.sqlite import connection as sqlite_connection
from chatlog.storage.sqlite import migrating
from chatlog.storage.sqlite.connection import open_connection, open_reader
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_draft

VERSION_1 = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, title TEXT, status TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, message_count INTEGER NOT NULL DEFAULT 0, last_message_at TEXT,
    participants TEXT NOT NULL, tags TEXT NOT NULL, metadata TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_newest ON sessions (created_at, session_id);
CREATE INDEX sessions_active ON sessions (created_at, session_id) WHERE status = 'active';
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL CHECK (sequence >= 1), message_id TEXT NOT NULL, source TEXT NOT NULL, content TEXT NOT NULL,
    timestamp TEXT NOT NULL, kind TEXT NOT NULL, models_usage TEXT, metadata TEXT NOT NULL,
    UNIQUE (session, sequence), UNIQUE (session, message_id)
) STRICT;
PRAGMA user_version = 1;
"""
NOON = "2026-11-23T12:00:00.000000Z"
SOON = "2026-11-23T12:00:05.500000Z"


VERSION_2 = Path(__file__).with_name("version_2.sql").read_text("utf-8")


@pytest.fixture
def file_of_version_2(tmp_path: Path) -> Path:
    """Two sessions with a message each, one of them deleted."""
    path = tmp_path / "c2.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(VERSION_2)
    for number, deleted_at in ((1, None), (2, NOON)):
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?, 'task', NULL, 'completed', ?, ?, 1, ?, '[\"ann\"]', '[]', '{}', "
            "'{\"width\": 60, \"counts\": [1]}', 'task', ?, -1)",
            (number, f"session_{number}", NOON, NOON, SOON, deleted_at),
        )
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, 'm1', 'ann', '空間', ?, 'text', NULL, '{}')", ((number << 24) + 1, number, SOON)
        )
    connection.close()
    return path


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """Thirty sessions of one moment, every second of them with messages, the first of them written last."""
    path = tmp_path / "c.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(VERSION_1)
    for number in range(30):
        last = SOON if number % 2 else None
        values = (
            number + 1,
            f"session_{number}",
            f"task {number}",
            "空間" if number == 3 else None,
            NOON,
            NOON,
            3 * (number % 2),
        )
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, 'completed', ?, ?, ?, ?, '[\"ann\"]', '[\"t\"]', '{\"x\": 1}')",
            (*values, last),
        )
    for number in range(1, 30, 2):
        for sequence in (3, 1, 2):
            message = (number + 1, sequence, f"m{sequence}", f"remark {sequence} of {number}", SOON)
            connection.execute(
                "INSERT INTO messages VALUES (NULL, ?, ?, ?, 'ann', ?, ?, 'text', '{\"prompt_tokens\": 1}', '{}')",
                message,
            )
    connection.close()
    return path


async def test_everything_is_there_after_it_and_can_be_searched(old_file: Path) -> None:
    async with SqliteSessionStore(old_file) as store:
        page = await store.list_sessions(limit=100)
        assert {session.session_id for session in page.items} == {f"session_{number}" for number in range(30)}
        session = await store.get_session("session_3")
        assert (session.title, session.task, session.message_count, session.tags) == ("空間", "task 3", 3, ("t",))
        assert session.metadata == {"x": 1}
        assert session.activity == Activity().after([parse_timestamp(SOON)] * 3, start=parse_timestamp(NOON))
        messages = await store.list_messages("session_3")
        assert [(message.sequence, message.content) for message in messages] == [(n, f"remark {n} of 3") for n in (1, 2, 3)]
        assert messages[0].models_usage == {"prompt_tokens": 1}
        hits = (await store.search(SearchQuery(terms=parse_terms("of 3")))).hits
        assert [hit.sequence for hit in hits if hit.session.session_id == "session_3"] == [1, 2, 3]
        assert len((await store.search(SearchQuery(terms=parse_terms("空間")))).hits) == 1
        (again, more) = await store.append_messages(
            "session_3", [make_draft(message_id="m1", source="ann", content="remark 1 of 3"), make_draft()]
        )
        assert (again.sequence, more.sequence) == (1, 4)
    connection = apsw.Connection(str(old_file))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert not {name for name in tables if name.startswith("old_")}
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_it_has_the_tables_of_a_new_file(old_file: Path, file_of_version_2: Path, tmp_path: Path) -> None:
    def describe(path: Path) -> set[tuple]:
        connection = open_connection(path)
        found = {
            (kind, name, table, sql and " ".join(re.sub("--[^\n]*", "", sql).split()))
            for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        }
        found.add(("version", connection.pragma("user_version")))
        connection.close()
        return found

    new = describe(tmp_path / "new.sqlite3")
    assert describe(old_file) == new
    assert describe(file_of_version_2) == new


async def test_figures_are_there_after_it_and_stay_right(old_file: Path, file_of_version_2: Path) -> None:
    for path, messages, sessions in ((old_file, 45, 30), (file_of_version_2, 1, 1)):
        async with SqliteSessionStore(path) as store:
            for more in range(2):
                (figures,) = await store.list_usage(since=date(2026, 11, 1), until=date(2026, 12, 1))
                assert sum(figures.agents["ann"].messages) == messages + more
                assert sum(count for _, _, count in figures.outcomes) == sessions
                late = make_draft(source="ann", timestamp=parse_timestamp(SOON))
                await store.append_messages("session_1", [late])


def test_what_fails_half_way_leaves_the_old_file_as_it_was(old_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(old_file)
    real, calls = migrating._migrate_session, []

    def fail_at_the_tenth(*values: object) -> None:
        calls.append(values)
        if len(calls) == 10:
            raise apsw.FullError("no room")
        real(*values)

    monkeypatch.setattr(migrating, "_migrate_session", fail_at_the_tenth)
    with pytest.raises(Exception, match="disk is full"):
        open_connection(old_file)
    assert dump(old_file) == before
    monkeypatch.setattr(migrating, "_migrate_session", real)
    open_connection(old_file).close()
    assert dump(old_file) != before


def test_a_file_of_version_2_that_has_no_room_stays_as_it_was(file_of_version_2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(file_of_version_2)
    real = migrating.migrate_from_2

    def fail_at_its_end(connection: apsw.Connection) -> None:
        real(connection)
        raise apsw.FullError("no room")

    monkeypatch.setattr(sqlite_connection, "migrate_from_2", fail_at_its_end)
    with pytest.raises(Exception, match="disk is full"):
        open_connection(file_of_version_2)
    assert dump(file_of_version_2) == before


def test_a_reader_alone_says_what_to_do(old_file: Path) -> None:
    with pytest.raises(StorageReadOnly, match="Open it once where it can be written"):
        open_reader(old_file)


def dump(path: Path) -> list[object]:
    connection = apsw.Connection(str(path))
    texts = [text for (text,) in connection.execute("SELECT sql FROM sqlite_schema ORDER BY name")]
    contents = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("sessions", "messages")]
    version = connection.pragma("user_version")
    connection.close()
    return [texts, contents, version]
