"""How sessions and messages look in answers, and answers that need not be sent again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.models import Message, Session


def describe_session(session: Session) -> dict[str, Any]:
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


def to_json(value: Any) -> bytes:
    # Documents that chatlog did not write may hold a lone surrogate, which has no UTF-8 form.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def answer(value: Any, *, status: int = 200, **headers: str) -> HttpResponse:
    """What was done; nobody keeps it."""
    headers = {"Cache-Control": "no-store", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return HttpResponse(to_json(value), status=status, content_type="application/json", headers=headers)


def answer_read(request: HttpRequest, value: Any) -> HttpResponseBase:
    """What was asked for; nothing but "it is the same" for whoever has it (`If-None-Match`)."""
    body = to_json(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    response = HttpResponse(body, content_type="application/json", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response
