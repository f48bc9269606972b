"""Rows of the tables, and what they stand for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from chatlog.domain.activity import Activity
from chatlog.domain.clock import to_timestamp
from chatlog.domain.models import Message, Session, SessionStatus

# A message's id is its session's times 2**24, and its sequence: 16,777,215 messages fit a session.
SEQUENCE_BITS = 24
MAX_SEQUENCE = (1 << SEQUENCE_BITS) - 1
# In hundredths of a second since 1970, up to the year 2144; together they fit a positive 64-bit number.
MAX_SESSION_ROWID = (1 << 39) - 1


def session_rowid(created_at: datetime) -> int:
    """The row that a session of this time should have, if nobody has it."""
    return min(max(0, int(created_at.timestamp() * 100)), MAX_SESSION_ROWID)


def place_of(session_rowid: int, sequence: int) -> int:
    """A message's id; of sequence 0, where the headline is in the search index."""
    return (session_rowid << SEQUENCE_BITS) + sequence


def session_row(session: Session) -> tuple[Any, ...]:
    """What a row of `sessions` holds of it, in the order in which `queries` names the columns."""
    return (
        session.session_id,
        session.task,
        session.title,
        session.status.value,
        to_timestamp(session.created_at),
        to_timestamp(session.updated_at),
        session.message_count,
        None if session.last_message_at is None else to_timestamp(session.last_message_at),
        to_json(session.participants),
        to_json(session.tags),
        to_json(session.metadata),
        activity_to_json(session.activity),
    )


def session_from_row(row: tuple[Any, ...]) -> Session:
    """The session that such a row tells of."""
    session_id, task, title, status, created_at, updated_at, count, last_message_at, participants, tags, metadata, activity = (
        row
    )
    return Session(
        session_id=session_id,
        task=task,
        title=title,
        status=SessionStatus(status),
        created_at=to_time(created_at),
        updated_at=to_time(updated_at),
        message_count=count,
        last_message_at=None if last_message_at is None else to_time(last_message_at),
        participants=tuple(json.loads(participants)),
        tags=tuple(json.loads(tags)),
        metadata=json.loads(metadata),
        activity=activity_from_json(activity),
    )


def message_row(session_rowid: int, message: Message) -> tuple[Any, ...]:
    """What a row of `messages` holds of it."""
    return (
        place_of(session_rowid, message.sequence),
        session_rowid,
        message.message_id,
        message.source,
        message.content,
        to_timestamp(message.timestamp),
        message.kind,
        None if message.models_usage is None else to_json(message.models_usage),
        to_json(message.metadata),
    )


def message_from_row(session_id: str, row: tuple[Any, ...]) -> Message:
    """The message that a row tells of: its sequence, and the columns from `message_id` on."""
    sequence, message_id, source, content, timestamp, kind, models_usage, metadata = row
    return Message(
        session_id=session_id,
        sequence=sequence,
        message_id=message_id,
        source=source,
        content=content,
        timestamp=to_time(timestamp),
        kind=kind,
        models_usage=None if models_usage is None else json.loads(models_usage),
        metadata={} if metadata == "{}" else json.loads(metadata),
    )


def activity_to_json(activity: Activity) -> str:
    """`{"width": seconds, "counts": [...]}`."""
    return json.dumps({"width": int(activity.width.total_seconds()), "counts": activity.counts}, separators=(",", ":"))


def activity_from_json(text: str) -> Activity:
    """What `activity_to_json` wrote."""
    value = json.loads(text)
    return Activity(timedelta(seconds=value["width"]), tuple(value["counts"]))


def to_time(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text).astimezone(UTC)


def to_json(value: object) -> str:
    """Stored lists and objects."""
    return "{}" if not value and isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
