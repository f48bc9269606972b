"""chatlog's own documents and those of the seed design, whose form they have: `type` is `session_info` or `message`."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import Message, MessageDraft, draft_session
from chatlog.domain.remarks import usable_source, usable_text
from chatlog.storage.documents import (
    MESSAGE_TYPE,
    SESSION_TYPE,
    Document,
    deletion_time,
    message_from_document,
    session_from_document,
)
from chatlog.storage.mirror.carried_ids import carry
from chatlog.storage.mirror.found import NOTHING, Found, FoundRemark, FoundSession, about, has_texts


def decode(document: Document, naive_zone: tzinfo | None) -> Found | None:
    """A session, or a remark of one. Times without a zone are meant in `naive_zone`."""
    if not has_texts(document, ("id", "session_id", "type")):
        return None
    if document["type"] == SESSION_TYPE:
        return Found(session=_session(document, naive_zone))
    if document["type"] == MESSAGE_TYPE:
        return Found(remark=_remark(message_from_document(document, naive_zone=naive_zone)))
    return NOTHING if _is_bookkeeping(document) else None


def _session(document: Document, naive_zone: tzinfo | None) -> FoundSession:
    told = session_from_document(document, naive_zone=naive_zone)
    session_id = _carry(told.session_id)
    # Drafted anew, which checks what somebody else wrote.
    # What its writer counted is not asked: messages count when they are here.
    session = draft_session(
        session_id=session_id,
        task=usable_text(told.task)[:MAX_TASK_CHARACTERS],
        participants=told.participants,
        title=told.title,
        tags=told.tags,
        metadata={**told.metadata, **_original_id(session_id, told.session_id)},
        created_at=told.created_at,
    )
    session = replace(session, status=told.status, updated_at=told.updated_at)
    return FoundSession(session=session, deleted_at=deletion_time(document))


def _remark(message: Message) -> FoundRemark:
    session_id = _carry(message.session_id)
    draft = MessageDraft(
        source=usable_source(message.source),
        content=usable_text(message.content),
        message_id=carry(message.message_id, prefix="message"),
        timestamp=message.timestamp,
        kind=message.kind,
        models_usage=message.models_usage,
        metadata=message.metadata,
    )
    return FoundRemark(
        session_id=session_id,
        order=message.sequence,
        drafts=(draft,),
        about=_original_id(session_id, message.session_id),
    )


def _carry(session_id: str) -> str:
    return carry(session_id, prefix="session")


def _original_id(carried: str, original: str) -> dict[str, str]:
    return {} if carried == original else about(session_id=original)


def _is_bookkeeping(document: Document) -> bool:
    """Chatlog's books of charges and figures lie in partitions whose names hold a slash, as no session's id does."""
    return "/" in document["session_id"] and "message_id" in document
