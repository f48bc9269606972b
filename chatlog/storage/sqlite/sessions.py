"""Sessions in the database: making, reading, changing, deleting. Functions over a connection, each within a transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import apsw

from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.models import Session, SessionStatus
from chatlog.errors import SessionDeleted, SessionExists, SessionNotFound
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.messages import find_place
from chatlog.storage.sqlite.tokens import index_text

# Sessions that begin in one hundredth of a second are spread over the minute that follows.
_SPREAD = 6_000


def insert_session(connection: apsw.Connection, session: Session) -> Session:
    """Store a session, or return the one that is stored under its id already."""
    stored = _find_session(connection, session.session_id)
    if stored is None:
        rowid = find_free_rowid(connection, session.created_at)
        connection.execute(queries.INSERT_SESSION, (rowid, session.headline_form, *rows.session_row(session)))
        return session
    if stored.task != session.task:
        raise SessionExists(session.session_id)
    return stored


def find_free_rowid(connection: apsw.Connection, created_at: datetime) -> int:
    """A row near the session's place in time. Random steps find one quickly, however many began at the same moment."""
    wanted = rowid = rows.session_rowid(created_at)
    spread = _SPREAD
    while connection.execute(queries.IS_ID_TAKEN, (rowid,)).fetchone() is not None:
        step = 1 + secrets.randbelow(spread)
        rowid = wanted + step if wanted + step <= rows.MAX_SESSION_ROWID else wanted - step
        spread += _SPREAD
    return rowid


def get_session(connection: apsw.Connection, session_id: str) -> Session:
    """One session. Raises `SessionNotFound`, `SessionDeleted`."""
    session = _find_session(connection, session_id)
    if session is None:
        raise SessionNotFound(session_id)
    return session


def select_sessions_by_id(connection: apsw.Connection, session_ids: Sequence[str]) -> list[Session]:
    """Those that are there and not deleted, in the order of the ids."""
    found = map(rows.session_from_row, connection.execute(queries.SELECT_SESSIONS_BY_ID, (json.dumps(session_ids),)))
    by_id = {session.session_id: session for session in found}
    return [by_id[session_id] for session_id in session_ids if session_id in by_id]


def change_session(
    connection: apsw.Connection,
    session_id: str,
    *,
    status: SessionStatus | None,
    title: str | None,
    tags: tuple[str, ...] | None,
) -> Session:
    """Change what is given and return the session as it is then. An empty title takes it away."""
    old = get_session(connection, session_id)
    new = replace(
        old,
        status=old.status if status is None else status,
        title=old.title if title is None else title or None,
        tags=old.tags if tags is None else tags,
        updated_at=utc_now(),
    )
    row = (new.status.value, new.title, rows.to_json(new.tags), to_timestamp(new.updated_at), new.headline_form, session_id)
    ((rowid, indexed),) = connection.execute(queries.UPDATE_SESSION, row)
    if indexed >= 0 and new.headline_form != old.headline_form:
        reindex_headline(connection, rowid, new.headline_form)
    return new


def reindex_headline(connection: apsw.Connection, rowid: int, headline: str) -> None:
    """Put another headline into the search index in the place of the one that is there."""
    connection.execute(queries.DELETE_FROM_INDEX, (rows.place_of(rowid, 0),))
    connection.execute(queries.INSERT_INTO_INDEX, (rows.place_of(rowid, 0), index_text(headline)))


def delete_session(connection: apsw.Connection, session_id: str) -> None:
    """Hide a session; one that is hidden keeps the time from which on it was."""
    place = find_place(connection, session_id)
    if place is None:
        raise SessionNotFound(session_id)
    if place.deleted_at is None:
        connection.execute(queries.SET_DELETED_AT, (to_timestamp(utc_now()), session_id))


def restore_session(connection: apsw.Connection, session_id: str) -> Session:
    """Show a hidden session again."""
    connection.execute(queries.SET_DELETED_AT, (None, session_id))
    return get_session(connection, session_id)


def _find_session(connection: apsw.Connection, session_id: str) -> Session | None:
    row = connection.execute(queries.SELECT_SESSION, (session_id,)).fetchone()
    if row is None:
        return None
    *values, deleted_at = row
    if deleted_at is not None:
        raise SessionDeleted(session_id)
    return rows.session_from_row(tuple(values))
