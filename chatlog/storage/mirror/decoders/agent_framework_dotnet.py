"""Documents of the Microsoft Agent Framework's `CosmosChatHistoryProvider` for .NET: the message is JSON within the JSON.

Sources: https://github.com/microsoft/agent-framework/blob/main/dotnet/src/Microsoft.Agents.AI.CosmosNoSql/CosmosChatHistoryProvider.cs,
and for the message https://github.com/dotnet/extensions/tree/main/src/Libraries/Microsoft.Extensions.AI.Abstractions
(`ChatMessage`, `AIContent`), whose properties are written as they are named: `AuthorName`, `Contents`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from chatlog.storage.documents import Document
from chatlog.storage.mirror.carried_ids import carry
from chatlog.storage.mirror.decoders import agent_framework_contents
from chatlog.storage.mirror.found import Found, FoundRemark, about, has_texts

_TYPE = "ChatMessage"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Where .NET has another word for a kind of content than Python.
_KINDS = {"reasoning": "text_reasoning"}


def decode(document: Document, _: tzinfo | None) -> Found | None:
    """A message. `timestamp` is in seconds, one for all that were saved together: among those the feed's order counts."""
    if document.get("type") != _TYPE or not has_texts(document, ("id", "conversationId", "message")):
        return None
    timestamp = document.get("timestamp") or document["_ts"]
    message = _message(json.loads(document["message"]))
    message.setdefault("role", document.get("role"))
    message.setdefault("message_id", document.get("messageId"))
    return Found(
        remark=FoundRemark(
            session_id=_session_id(document),
            order=int(timestamp),
            role=agent_framework_contents.role_of(message),
            drafts=agent_framework_contents.drafts(
                message,
                document_id=carry(document["id"], prefix="message"),
                timestamp=_EPOCH + timedelta(seconds=timestamp),
            ),
            about=about(
                conversation_id=document["conversationId"],
                tenant_id=document.get("tenantId"),
                user_id=document.get("userId"),
            ),
        )
    )


def _session_id(document: Document) -> str:
    """With a tenant and a user in the partition key, a conversation's id need not be unique without them."""
    owners = [document[name] for name in ("tenantId", "userId") if document.get(name)]
    return carry(*map(str, owners), document["conversationId"], prefix="session")


def _message(value: Mapping[str, Any]) -> dict[str, Any]:
    """A `ChatMessage` in Python's form."""
    message = {name: item for name, item in _in_snake_case(value).items() if item is not None}
    message["contents"] = [_content(item) for item in message.get("contents", ()) if isinstance(item, Mapping)]
    return message


def _content(value: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: item for name, item in _in_snake_case(value).items() if item is not None}
    kind = _snake_case(str(content.pop("$type", "unknown")))
    if isinstance(details := content.get("details"), Mapping):  # of a usage: its counts
        content["details"] = _in_snake_case(details)
    return {**content, "type": _KINDS.get(kind, kind)}


def _in_snake_case(value: Mapping[str, Any]) -> dict[str, Any]:
    return {_snake_case(name): item for name, item in value.items()}


def _snake_case(name: str) -> str:
    return _WORD.sub("_", name).lower()
