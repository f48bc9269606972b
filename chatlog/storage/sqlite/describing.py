"""Sessions that another program keeps, as it tells of them. Functions over a connection, within a transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import apsw

from chatlog.domain import limits
from chatlog.domain.activity import Activity
from chatlog.domain.clock import to_timestamp
from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.sessions import change_session, insert_session, reindex_headline


def describe_session(connection: apsw.Connection, session: Session, *, deleted_at: datetime | None = None) -> None:
    """Store what is said of a session, in the place of what was said before. Its messages, and who spoke, stay."""
    if find_described(connection, session.session_id) is None:
        insert_session(connection, replace(session, message_count=0, last_message_at=None, activity=Activity()))
    ((rowid, indexed, *values),) = connection.execute(queries.SELECT_DESCRIBED, (session.session_id,))
    old = rows.session_from_row(tuple(values))
    participants = tuple(dict.fromkeys((*session.participants, *old.participants)))[: limits.MAX_PARTICIPANTS]
    connection.execute(
        queries.DESCRIBE_SESSION,
        (
            session.task,
            session.title,
            session.status.value,
            to_timestamp(session.created_at),
            to_timestamp(session.updated_at),
            rows.to_json(participants),
            rows.to_json(session.tags),
            rows.to_json(dict(session.metadata)),
            session.headline_form,
            None if deleted_at is None else to_timestamp(deleted_at),
            rowid,
        ),
    )
    if indexed >= 0 and session.headline_form != old.headline_form:
        reindex_headline(connection, rowid, session.headline_form)


def find_described(connection: apsw.Connection, session_id: str) -> Session | None:
    """A session as it is told now, deleted or not."""
    row = connection.execute(queries.SELECT_DESCRIBED, (session_id,)).fetchone()
    return None if row is None else rows.session_from_row(tuple(row[2:]))


def complete_silent(connection: apsw.Connection, *, since: datetime, mark: str) -> None:
    """Call those sessions completed that have `mark` in their metadata, and nothing said in them since."""
    # All of them, before any is changed.
    silent: list[Any] = connection.execute(queries.SELECT_MARKED_SILENT, (to_timestamp(since), mark)).fetchall()
    for (session_id,) in silent:
        change_session(connection, session_id, status=SessionStatus.COMPLETED, title=None, tags=None)
