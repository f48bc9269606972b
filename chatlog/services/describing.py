"""What sessions and messages look like as JSON to programs: in answers of the HTTP API, and on the command line."""

from __future__ import annotations

from typing import Any

from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.models import Message, Session


def describe_session(session: Session) -> dict[str, Any]:
    """One session, as it looks at this moment."""
    last = session.last_message_at
    return {
        "session_id": session.session_id,
        "task": session.task,
        "title": session.title,
        "status": session.status.value,
        "state": session.state(utc_now()).value,
        "created_at": to_timestamp(session.created_at),
        "updated_at": to_timestamp(session.updated_at),
        "last_message_at": None if last is None else to_timestamp(last),
        "message_count": session.message_count,
        "participants": session.participants,
        "tags": session.tags,
        "metadata": session.metadata,
    }


def describe_message(message: Message) -> dict[str, Any]:
    """One message."""
    return {
        "session_id": message.session_id,
        "sequence": message.sequence,
        "message_id": message.message_id,
        "source": message.source,
        "content": message.content,
        "timestamp": to_timestamp(message.timestamp),
        "kind": message.kind,
        "models_usage": message.models_usage,
        "metadata": message.metadata,
    }
