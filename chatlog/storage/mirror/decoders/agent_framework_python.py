"""Documents of the Microsoft Agent Framework's `CosmosHistoryProvider` for Python.

Source: https://github.com/microsoft/agent-framework/blob/main/python/packages/azure-cosmos/agent_framework_azure_cosmos/_history_provider.py
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from chatlog.storage.documents import Document
from chatlog.storage.mirror.carried_ids import carry
from chatlog.storage.mirror.decoders import agent_framework_contents
from chatlog.storage.mirror.found import Found, FoundRemark, about, has_texts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(document: Document, _: tzinfo | None) -> Found | None:
    """A message. `sort_key` is when it was saved, in nanoseconds since 1970, and one more for each that was saved with it.

    The service keeps numbers as doubles, which at this size tell apart no less than 256 ns and may come back with an exponent.
    """
    sort_key, message = document.get("sort_key"), document.get("message")
    if not (
        has_texts(document, ("id", "session_id", "source_id"))
        and isinstance(sort_key, int | float)
        and isinstance(message, dict)
    ):
        return None
    session_id = carry(document["session_id"], prefix="session")
    return Found(
        remark=FoundRemark(
            session_id=session_id,
            order=int(sort_key),
            role=agent_framework_contents.role_of(message),
            drafts=agent_framework_contents.drafts(
                message,
                document_id=carry(document["id"], prefix="message"),
                timestamp=_EPOCH + timedelta(microseconds=int(sort_key) // 1000),
            ),
            about=about(
                history_provider=document["source_id"],
                session_id=document["session_id"] if session_id != document["session_id"] else None,
            ),
        )
    )
