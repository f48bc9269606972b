"""The tables: making them, and bringing those of earlier versions up to date."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import apsw

from chatlog.domain.activity import Activity
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.sessions import find_free_rowid

SCHEMA_VERSION = 3


def create_tables(connection: apsw.Connection) -> None:
    """Make the tables of a new database."""
    _execute(connection, "schema.sql")
    _execute(connection, "usage.sql")
    connection.pragma("user_version", SCHEMA_VERSION)


def migrate_from_1(connection: apsw.Connection) -> None:
    """Give everything its new place, in the transaction that is open. The search index is filled by and by, as after a save."""
    connection.execute(queries.SET_VERSION_1_ASIDE)
    create_tables(connection)
    sessions: list[Any] = connection.execute(queries.SELECT_VERSION_1_SESSIONS).fetchall()
    for old_rowid, *old in sessions:
        _migrate_session(connection, old_rowid, tuple(old))
    connection.execute(queries.DROP_VERSION_1)


def migrate_from_2(connection: apsw.Connection) -> None:
    """Add what figures of use need, in the transaction that is open."""
    _execute(connection, "usage.sql")
    connection.pragma("user_version", SCHEMA_VERSION)


def _execute(connection: apsw.Connection, name: str) -> None:
    connection.execute(files(__package__).joinpath(name).read_text("utf-8"))


def _migrate_session(connection: apsw.Connection, old_rowid: int, old: tuple[object, ...]) -> None:
    session = rows.session_from_row((*old, rows.activity_to_json(Activity())))
    times = [rows.to_time(time) for (time,) in connection.execute(queries.SELECT_VERSION_1_TIMES, (old_rowid,))]
    activity = rows.activity_to_json(Activity().after(times, start=session.created_at))
    rowid = find_free_rowid(connection, session.created_at)
    connection.execute(queries.INSERT_SESSION, (rowid, session.headline_form, *old, activity))
    connection.execute(queries.COPY_VERSION_1_MESSAGES, (rowid, rowid, old_rowid))
