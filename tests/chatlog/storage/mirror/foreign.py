"""Documents as other programs write them, by hand after their sources (see the decoders), and the container they lie in."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agent_framework import Content, Message

from tests.cosmos.double.containers import Container

_numbers = itertools.count(1)
# 2026-11-23 14:30:25 UTC
AT = 1_795_444_225


def python_document(message: Message, *, session_id: str = "thread-1", **values: Any) -> dict[str, Any]:
    """As `CosmosHistoryProvider.save_messages` makes it; the message in it is written by the framework itself."""
    number = next(_numbers)
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "session_id": session_id,
        "sort_key": AT * 10**9 + number,
        "source_id": "azure_cosmos_history",
        "message": json.loads(json.dumps(message.to_dict())),
    } | values


def said(role: str, text: str, *, author: str | None = None) -> Message:
    return Message(role=role, contents=[Content.from_text(text)], author_name=author)


def dotnet_document(
    role: str, *contents: dict[str, Any], conversation: str = "conversation-1", author: str | None = None, **values: Any
) -> dict[str, Any]:
    """As `CosmosChatHistoryProvider.CreateMessageDocument` makes it: a `ChatMessage` as text, nulls where nothing is known."""
    number = next(_numbers)
    message_id = f"msg-{number}" if role == "assistant" else None
    message = {
        "AuthorName": author,
        "CreatedAt": None,
        "Role": role,
        "Contents": list(contents),
        "MessageId": message_id,
        "AdditionalProperties": None,
    }
    return {
        "id": f"10000000-0000-4000-8000-{number:012d}",
        "conversationId": conversation,
        "timestamp": AT,
        "messageId": message_id,
        "role": role,
        "message": json.dumps(message),
        "type": "ChatMessage",
        "ttl": 86_400,
        "tenantId": None,
        "userId": None,
        "sessionId": None,
    } | values


def dotnet_text(text: str) -> dict[str, Any]:
    return {"$type": "text", "Text": text, "Annotations": None, "AdditionalProperties": None}


def write(container: Container, *documents: dict[str, Any]) -> None:
    """Put documents where their partition key says."""
    for document in documents:
        container.put(document[container.key_name], document)
