r"""Sessions as JSON lines, without loss: what import reads is what export wrote, byte for byte when exported again.

    {"chatlog":"export","version":1}
    {"chatlog":"session","session_id":…,"task":…,…,"messages":2}
    {"chatlog":"message","sequence":1,"message_id":…,"source":…,"content":…,…}
    {"chatlog":"message","sequence":2,…}
    {"chatlog":"end","sessions":1,"messages":2}

UTF-8, `\n` after each line, fields in this order, names inside `metadata` and `models_usage` sorted. Files may be put one
behind the other. What a store finds out by itself is left out: `updated_at`, the last message's time, the activity. Fields of a
stored document that chatlog does not know travel inside `metadata` as `extra`, where an import leaves them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chatlog.domain.clock import parse_timestamp, to_timestamp
from chatlog.domain.limits import check_sequence
from chatlog.domain.models import JsonObject, Message, MessageDraft, Session, SessionStatus, draft_session
from chatlog.errors import InvalidInput

VERSION = 1
MARK = "chatlog"

_SESSION_FIELDS = ("session_id", "task", "title", "status", "created_at", "participants", "tags", "metadata", "messages")
_MESSAGE_FIELDS = ("sequence", "message_id", "source", "content", "timestamp", "kind", "models_usage", "metadata")


class JsonlWriter:
    """See `chatlog.services.exporting.Writer`."""

    def begin(self) -> str:
        """The line that names the format."""
        return _line({MARK: "export", "version": VERSION})

    def session(self, session: Session, *, count: int) -> str:
        """One session, and how many messages follow."""
        return _line(
            {
                MARK: "session",
                "session_id": session.session_id,
                "task": session.task,
                "title": session.title,
                "status": session.status.value,
                "created_at": to_timestamp(session.created_at),
                "participants": list(session.participants),
                "tags": list(session.tags),
                "metadata": _sorted(_with_extra(session.metadata, session.extra)),
                "messages": count,
            }
        )

    def messages(self, session: Session, messages: Sequence[Message]) -> str:
        """A line for each message."""
        return "".join(_line(_message_record(message)) for message in messages)

    def end(self, *, sessions: int, messages: int) -> str:
        """The line without which a file was cut off."""
        return _line({MARK: "end", "sessions": sessions, "messages": messages})


def read_session(record: Mapping[str, Any]) -> tuple[Session, int]:
    """The session of a line, and how many messages follow it. Raises `InvalidInput`, naming the field."""
    _check_fields(record, _SESSION_FIELDS)
    session = draft_session(
        session_id=record["session_id"],
        task=record["task"],
        title=record["title"],
        created_at=parse_timestamp(record["created_at"], field="created_at"),
        participants=_list(record, "participants"),
        tags=_list(record, "tags"),
        metadata=record["metadata"],
    )
    return replace(session, status=_read_status(record["status"])), check_sequence(record["messages"], field="messages")


def read_message(record: Mapping[str, Any], *, sequence: int) -> MessageDraft:
    """The message of a line, which has to be number `sequence`. Raises `InvalidInput`, naming the field."""
    _check_fields(record, _MESSAGE_FIELDS)
    if record["sequence"] != sequence:
        raise InvalidInput("sequence", f"is {record['sequence']!r} where {sequence} has to come.")
    return MessageDraft(
        source=record["source"],
        content=record["content"],
        message_id=record["message_id"],
        timestamp=parse_timestamp(record["timestamp"]),
        kind=record["kind"],
        models_usage=record["models_usage"],
        metadata=record["metadata"],
    )


def _message_record(message: Message) -> dict[str, Any]:
    return {
        MARK: "message",
        "sequence": message.sequence,
        "message_id": message.message_id,
        "source": message.source,
        "content": message.content,
        "timestamp": to_timestamp(message.timestamp),
        "kind": message.kind,
        "models_usage": None if message.models_usage is None else _sorted(message.models_usage),
        "metadata": _sorted(_with_extra(message.metadata, message.extra)),
    }


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def _sorted(value: JsonObject) -> JsonObject:
    """With its names in order at every depth: stores may return them in any."""
    sorted_copy: JsonObject = json.loads(json.dumps(dict(value), sort_keys=True)) if value else {}
    return sorted_copy


def _with_extra(metadata: JsonObject, extra: JsonObject) -> JsonObject:
    if not extra:
        return metadata
    name = "extra"
    while name in metadata:
        name += "_"
    return {**metadata, name: extra}


def _check_fields(record: Mapping[str, Any], fields: tuple[str, ...]) -> None:
    for name in fields:
        if name not in record:
            raise InvalidInput(name, "is missing.")
    for name in record:
        if name not in fields and name != MARK:
            raise InvalidInput(str(name), f"is not a field of format version {VERSION}, and would be lost.")


def _list(record: Mapping[str, Any], field: str) -> list[Any]:
    value = record[field]
    if not isinstance(value, list):
        raise InvalidInput(field, f"{value!r} is not a list.")
    return value


def _read_status(value: object) -> SessionStatus:
    try:
        return SessionStatus(str(value))
    except ValueError as error:
        raise InvalidInput("status", f"{value!r} is not one of {', '.join(SessionStatus)}.") from error
