"""Sessions and messages as the HTTP API sends and takes them. The only owner of its key names on this side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatlog.domain.clock import parse_timestamp, to_timestamp
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus

# What the API takes at once; tests hold these to the server's own numbers.
MAX_MESSAGES = 1_000
MAX_BODY_BYTES = 4 * 1024 * 1024

Json = dict[str, Any]


def encode(value: object) -> str:
    """JSON without a byte too many."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def join(bodies: Iterable[str]) -> str:
    """A list of values that are JSON already."""
    return f"[{','.join(bodies)}]"


def encode_session(session: Session) -> str:
    """A session to begin."""
    body: Json = {
        "session_id": session.session_id,
        "task": session.task,
        "created_at": to_timestamp(session.created_at),
        "participants": list(session.participants),
        "tags": list(session.tags),
        "metadata": dict(session.metadata),
    }
    if session.title is not None:
        body["title"] = session.title
    return encode(body)


def encode_change(*, status: SessionStatus | None, title: str | None, tags: Sequence[str] | None) -> str:
    """A change of a session; what is `None` stays as it is."""
    given = {"status": None if status is None else status.value, "title": title, "tags": None if tags is None else list(tags)}
    return encode({name: value for name, value in given.items() if value is not None})


def encode_draft(draft: MessageDraft) -> str:
    """A message to store."""
    body: Json = {
        "message_id": draft.message_id,
        "source": draft.source,
        "content": draft.content,
        "timestamp": to_timestamp(draft.timestamp),
        "kind": draft.kind,
    }
    if draft.models_usage is not None:
        body["models_usage"] = dict(draft.models_usage)
    if draft.metadata:
        body["metadata"] = dict(draft.metadata)
    return encode(body)


def read_session(value: Mapping[str, Any]) -> Session:
    """A session as it stands. Raises `KeyError`, `TypeError` or `ValueError` for what is none."""
    last = value["last_message_at"]
    return Session(
        session_id=value["session_id"],
        task=value["task"],
        created_at=parse_timestamp(value["created_at"]),
        updated_at=parse_timestamp(value["updated_at"]),
        status=SessionStatus(value["status"]),
        message_count=value["message_count"],
        last_message_at=None if last is None else parse_timestamp(last),
        participants=tuple(value["participants"]),
        tags=tuple(value["tags"]),
        title=value["title"],
        metadata=value["metadata"],
    )


def read_message(value: Mapping[str, Any]) -> Message:
    """A stored message. Raises as `read_session`."""
    return Message(
        session_id=value["session_id"],
        sequence=value["sequence"],
        message_id=value["message_id"],
        source=value["source"],
        content=value["content"],
        timestamp=parse_timestamp(value["timestamp"]),
        kind=value["kind"],
        models_usage=value["models_usage"],
        metadata=value["metadata"],
    )


def read_sequences(value: object, message_ids: Sequence[str]) -> list[int]:
    """The numbers that messages of these ids got. Raises `ValueError` for anything but an answer to exactly these."""
    results = value if isinstance(value, list) else []
    if [result.get("message_id") for result in results if isinstance(result, dict)] != list(message_ids):
        raise ValueError("it does not name the messages that were sent")
    sequences = [result["sequence"] for result in results if isinstance(result.get("sequence"), int)]
    if len(sequences) != len(message_ids) or any(sequence < 1 for sequence in sequences):
        raise ValueError("it does not number the messages that were sent")
    return sequences
