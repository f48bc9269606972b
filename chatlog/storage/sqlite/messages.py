"""Messages in the database: appending and reading. Functions over a connection, each within a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import apsw

from chatlog.domain import limits
from chatlog.domain.activity import Activity
from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import IdempotencyConflict, InvalidNumber, SessionDeleted, SessionNotFound
from chatlog.storage.sqlite import queries, rows


class Place(NamedTuple):
    """Where a session's messages are."""

    rowid: int
    last_sequence: int
    deleted_at: str | None


class _Head(NamedTuple):
    """What appending needs to know of a session."""

    session_id: str
    rowid: int
    created_at: datetime
    last_sequence: int
    last_message_at: str | None
    participants: list[str]
    activity: Activity


def find_place(connection: apsw.Connection, session_id: str) -> Place | None:
    """Where a session is, deleted or not."""
    row = connection.execute(queries.SELECT_PLACE, (session_id,)).fetchone()
    return None if row is None else Place(*row)


def get_place(connection: apsw.Connection, session_id: str) -> Place:
    """Where a session is. Raises `SessionNotFound`, `SessionDeleted`."""
    place = find_place(connection, session_id)
    if place is None:
        raise SessionNotFound(session_id)
    if place.deleted_at is not None:
        raise SessionDeleted(session_id)
    return place


def append_messages(connection: apsw.Connection, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
    """Store the drafts that are not stored yet, and return them all as stored. The session's length does not matter."""
    head = _get_head(connection, session_id)
    known = _find_known(connection, head, drafts)
    messages: list[Message] = []
    fresh: list[Message] = []
    for draft in drafts:
        message = known.get(draft.message_id)
        if message is None:
            message = Message.from_draft(draft, session_id=session_id, sequence=head.last_sequence + len(fresh) + 1)
            known[draft.message_id] = message
            fresh.append(message)
        elif not message.says_the_same_as(draft):
            raise IdempotencyConflict(session_id, draft.message_id)
        messages.append(message)
    if fresh:
        _insert_messages(connection, head, fresh)
    return messages


def append_unknown(connection: apsw.Connection, session_id: str, drafts: Sequence[MessageDraft]) -> int:
    """Store the drafts whose ids the session does not have, whatever is stored under the others. Returns how many.

    For what somebody else has stored already: it cannot be refused, and what was said first stays.
    """
    head = _get_head(connection, session_id)
    known = _find_known(connection, head, drafts)
    fresh: list[Message] = []
    for draft in drafts:
        if draft.message_id not in known:
            sequence = head.last_sequence + len(fresh) + 1
            fresh.append(Message.from_draft(draft, session_id=session_id, sequence=sequence))
            known[draft.message_id] = fresh[-1]
    if fresh:
        _insert_messages(connection, head, fresh)
    return len(fresh)


def select_messages_after(connection: apsw.Connection, session_id: str, *, after: int, limit: int) -> list[Message]:
    """Messages after a sequence, in order; of a deleted session none. Raises as `SessionStore.list_messages`."""
    place = _find_readable(connection, session_id, must_exist=after == 0)
    if place is None:
        return []
    start = rows.place_of(place.rowid, min(after, rows.MAX_SEQUENCE))
    found = connection.execute(queries.SELECT_MESSAGES_AFTER, (start, rows.place_of(place.rowid, rows.MAX_SEQUENCE), limit))
    return [rows.message_from_row(session_id, row) for row in found]


def select_messages_before(connection: apsw.Connection, session_id: str, *, before: int | None, limit: int) -> list[Message]:
    """The last messages before a sequence, in order. Raises `SessionNotFound`, `SessionDeleted`."""
    place = get_place(connection, session_id)
    end = rows.MAX_SEQUENCE + 1 if before is None else min(before, rows.MAX_SEQUENCE + 1)
    start = rows.place_of(place.rowid, 0)
    found = connection.execute(queries.SELECT_MESSAGES_BEFORE, (start, start + end, limit))
    return [rows.message_from_row(session_id, row) for row in found][::-1]


def _find_readable(connection: apsw.Connection, session_id: str, *, must_exist: bool) -> Place | None:
    if must_exist:
        return get_place(connection, session_id)
    place = find_place(connection, session_id)
    return place if place is not None and place.deleted_at is None else None


def _get_head(connection: apsw.Connection, session_id: str) -> _Head:
    row = connection.execute(queries.SELECT_HEAD, (session_id,)).fetchone()
    if row is None:
        raise SessionNotFound(session_id)
    rowid, created_at, last_sequence, last_message_at, participants, activity = row
    return _Head(
        session_id,
        rowid,
        rows.to_time(created_at),
        last_sequence,
        last_message_at,
        json.loads(participants),
        rows.activity_from_json(activity),
    )


def _find_known(connection: apsw.Connection, head: _Head, drafts: Sequence[MessageDraft]) -> dict[str, Message]:
    """The messages that are stored under the ids of the drafts."""
    ids = rows.to_json([draft.message_id for draft in drafts])
    found = connection.execute(queries.SELECT_BY_MESSAGE_IDS, (head.rowid, ids))
    return {message.message_id: message for message in (rows.message_from_row(head.session_id, row) for row in found)}


def _insert_messages(connection: apsw.Connection, head: _Head, messages: Sequence[Message]) -> None:
    last_sequence = head.last_sequence + len(messages)
    if last_sequence > rows.MAX_SEQUENCE:
        raise InvalidNumber(
            "sequence", f"{last_sequence} is past {rows.MAX_SEQUENCE}, which is all that fits a session. Start another one."
        )
    connection.executemany(queries.INSERT_MESSAGE, [rows.message_row(head.rowid, message) for message in messages])
    last_message_at = to_timestamp(max(message.timestamp for message in messages))
    sources = dict.fromkeys([*head.participants, *(message.source for message in messages)])
    activity = head.activity.after((message.timestamp for message in messages), start=head.created_at)
    connection.execute(
        queries.UPDATE_HEAD,
        (
            last_sequence,
            max(head.last_message_at or "", last_message_at),
            rows.to_json(tuple(sources)[: limits.MAX_PARTICIPANTS]),
            rows.activity_to_json(activity),
            to_timestamp(utc_now()),
            head.rowid,
        ),
    )
