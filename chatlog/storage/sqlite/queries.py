"""Every statement that is sent to SQLite, as functions over a connection. Values only ever travel as parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import apsw

from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus
from chatlog.errors import IdempotencyConflict, SessionExists, SessionNotFound
from chatlog.storage.cursors import SessionCursor

_SESSION_COLUMNS = (
    "session_id, task, title, status, created_at, updated_at, message_count, last_message_at, participants, tags, metadata"
)
_MESSAGE_COLUMNS = "sequence, message_id, source, content, timestamp, kind, models_usage, metadata"


class _SessionHead(NamedTuple):
    """What appending needs to know of a session."""

    rowid: int
    last_sequence: int
    last_message_at: str | None
    participants: list[str]


def insert_session(connection: apsw.Connection, session: Session) -> Session:
    """Store a session, or return the one that is stored under its id already."""
    stored = find_session(connection, session.session_id)
    if stored is None:
        connection.execute(
            f"INSERT INTO sessions ({_SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _session_row(session)
        )
        return session
    if stored.task != session.task:
        raise SessionExists(session.session_id)
    return stored


def select_sessions(
    connection: apsw.Connection, *, limit: int, before: SessionCursor | None, running_since: datetime | None
) -> list[Session]:
    """Sessions newest first, those after `before` only."""
    conditions, values = ["TRUE"], []
    if before is not None:
        conditions.append("(created_at, session_id) < (?, ?)")
        values += [*before]
    if running_since is not None:
        conditions.append("status = 'active' AND coalesce(last_message_at, created_at) >= ?")
        values.append(to_timestamp(running_since))
    rows = connection.execute(
        f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {' AND '.join(conditions)} "
        "ORDER BY created_at DESC, session_id DESC LIMIT ?",
        (*values, limit),
    )
    return [_session_from_row(row) for row in rows]


def get_session(connection: apsw.Connection, session_id: str) -> Session:
    """One session, or `SessionNotFound`."""
    session = find_session(connection, session_id)
    if session is None:
        raise SessionNotFound(session_id)
    return session


def find_session(connection: apsw.Connection, session_id: str) -> Session | None:
    """One session, or `None`."""
    row = connection.execute(f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    return None if row is None else _session_from_row(row)


def change_session(
    connection: apsw.Connection,
    session_id: str,
    *,
    status: SessionStatus | None,
    title: str | None,
    tags: tuple[str, ...] | None,
) -> Session:
    """Change what is given and return the session as it is then."""
    old = get_session(connection, session_id)
    new = replace(
        old,
        status=old.status if status is None else status,
        title=old.title if title is None else title,
        tags=old.tags if tags is None else tags,
        updated_at=utc_now(),
    )
    connection.execute(
        "UPDATE sessions SET status = ?, title = ?, tags = ?, updated_at = ? WHERE session_id = ?",
        (new.status.value, new.title, _to_json(new.tags), to_timestamp(new.updated_at), session_id),
    )
    return new


def append_messages(connection: apsw.Connection, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
    """Store the drafts that are not stored yet, and return them all as stored. The session's length does not matter."""
    head = _session_head(connection, session_id)
    messages: list[Message] = []
    fresh: dict[str, Message] = {}
    for draft in drafts:
        message = fresh.get(draft.message_id) or _find_by_message_id(connection, session_id, head.rowid, draft.message_id)
        if message is None:
            message = Message.from_draft(draft, session_id=session_id, sequence=head.last_sequence + len(fresh) + 1)
            fresh[draft.message_id] = message
        elif not message.says_the_same_as(draft):
            raise IdempotencyConflict(session_id, draft.message_id)
        messages.append(message)
    if fresh:
        _insert_messages(connection, head, fresh.values())
    return messages


def select_messages(connection: apsw.Connection, session_id: str, *, after: int, limit: int) -> list[Message]:
    """Messages after a sequence, in order."""
    rows = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE session = (SELECT id FROM sessions WHERE session_id = ?) "
        "AND sequence > ? ORDER BY sequence LIMIT ?",
        (session_id, after, limit),
    )
    return [_message_from_row(session_id, row) for row in rows]


def get_last_sequence(connection: apsw.Connection, session_id: str) -> int:
    """The newest message's number, 0 without any."""
    return _session_head(connection, session_id).last_sequence


def _session_head(connection: apsw.Connection, session_id: str) -> _SessionHead:
    row = connection.execute(
        "SELECT id, message_count, last_message_at, participants FROM sessions WHERE session_id = ?", (session_id,)
    ).fetchone()
    if row is None:
        raise SessionNotFound(session_id)
    rowid, last_sequence, last_message_at, participants = row
    return _SessionHead(rowid, last_sequence, last_message_at, json.loads(participants))


def _find_by_message_id(connection: apsw.Connection, session_id: str, rowid: int, message_id: str) -> Message | None:
    row = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE session = ? AND message_id = ?", (rowid, message_id)
    ).fetchone()
    return None if row is None else _message_from_row(session_id, row)


def _insert_messages(connection: apsw.Connection, head: _SessionHead, messages: Iterable[Message]) -> None:
    rows = [_message_row(head.rowid, message) for message in messages]
    connection.executemany(f"INSERT INTO messages (session, {_MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    sources = dict.fromkeys([*head.participants, *(message.source for message in messages)])
    connection.execute(
        "UPDATE sessions SET message_count = ?, last_message_at = ?, participants = ?, updated_at = ? WHERE id = ?",
        (
            head.last_sequence + len(rows),
            max(head.last_message_at or "", *(to_timestamp(message.timestamp) for message in messages)),
            _to_json(tuple(sources)[: limits.MAX_PARTICIPANTS]),
            to_timestamp(utc_now()),
            head.rowid,
        ),
    )


def _session_row(session: Session) -> tuple[Any, ...]:
    return (
        session.session_id,
        session.task,
        session.title,
        session.status.value,
        to_timestamp(session.created_at),
        to_timestamp(session.updated_at),
        session.message_count,
        None if session.last_message_at is None else to_timestamp(session.last_message_at),
        _to_json(session.participants),
        _to_json(session.tags),
        _to_json(session.metadata),
    )


def _session_from_row(row: tuple[Any, ...]) -> Session:
    session_id, task, title, status, created_at, updated_at, count, last_message_at, participants, tags, metadata = row
    return Session(
        session_id=session_id,
        task=task,
        title=title,
        status=SessionStatus(status),
        created_at=_time(created_at),
        updated_at=_time(updated_at),
        message_count=count,
        last_message_at=None if last_message_at is None else _time(last_message_at),
        participants=tuple(json.loads(participants)),
        tags=tuple(json.loads(tags)),
        metadata=json.loads(metadata),
    )


def _message_row(session_rowid: int, message: Message) -> tuple[Any, ...]:
    return (
        session_rowid,
        message.sequence,
        message.message_id,
        message.source,
        message.content,
        to_timestamp(message.timestamp),
        message.kind,
        None if message.models_usage is None else _to_json(message.models_usage),
        _to_json(message.metadata),
    )


def _message_from_row(session_id: str, row: tuple[Any, ...]) -> Message:
    sequence, message_id, source, content, timestamp, kind, models_usage, metadata = row
    return Message(
        session_id=session_id,
        sequence=sequence,
        message_id=message_id,
        source=source,
        content=content,
        timestamp=_time(timestamp),
        kind=kind,
        models_usage=None if models_usage is None else json.loads(models_usage),
        metadata=json.loads(metadata),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _to_json(value: object) -> str:
    return "{}" if not value and isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
