"""Sessions and messages as stored documents. The only owner of the stored key names.

The form is the seed design's, with fields added; its documents are read as they are: naive local times, ids that end in
microseconds, none of the added fields. Fields that chatlog does not know are kept in `extra`.

`search_text` is what is searched, in its search form: a message's content, a session's title and task. `timestamp` is there in
both, so that a search orders remarks and headlines by one key; a session's is its start. `letters` is how many characters a
message's content has, so that figures need not read it. A session that is deleted has `deleted_at`, and it and its messages a
`ttl` in seconds after which the database removes them; one that was restored has `restored_at`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from chatlog.domain import limits
from chatlog.domain.activity import Activity
from chatlog.domain.clock import parse_stored_timestamp, to_timestamp
from chatlog.domain.models import Message, MessageDraft, MessageKind, Session, SessionStatus
from chatlog.domain.text import search_form
from chatlog.errors import InvalidTimestamp, ItemTooLarge, StorageCorrupt

Document = dict[str, Any]

SESSION_TYPE = "session_info"
MESSAGE_TYPE = "message"

_SYSTEM_KEYS = {"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn", "ttl"}
_SESSION_KEYS = {
    *("id", "session_id", "type", "task", "created_at", "updated_at", "status", "message_count", "last_message_at"),
    *("participants", "tags", "title", "metadata", "message_id", "activity", "search_text", "timestamp", "deleted_at"),
    "restored_at",
} | _SYSTEM_KEYS
_MESSAGE_KEYS = {
    *("id", "session_id", "type", "source", "content", "timestamp", "sequence", "message_id", "kind", "search_text"),
    *("letters", "models_usage", "metadata"),
} | _SYSTEM_KEYS

_PIECE_CHARACTERS = 4_096
# One character of content takes at most 6 bytes as JSON (\u001f) and 54 in its search form (U+FDFA becomes 18 others).
_SURELY_FITTING_CHARACTERS = limits.MAX_ITEM_BYTES // (6 + 54) - 4 * limits.MAX_SOURCE_CHARACTERS - 1_000


def message_document_id(session_id: str, sequence: int) -> str:
    """The id of message `sequence`: the database's own uniqueness of ids is what hands out the numbers."""
    return f"{session_id}_msg_{sequence:04d}"


def session_to_document(session: Session) -> Document:
    """The document of a session. Raises `ItemTooLarge` if no store takes it."""
    document: Document = {
        **session.extra,
        "id": session.session_id,
        "session_id": session.session_id,
        "type": SESSION_TYPE,
        "task": session.task,
        "created_at": to_timestamp(session.created_at),
        "updated_at": to_timestamp(session.updated_at),
        "status": session.status.value,
        "message_count": session.message_count,
        "last_message_at": None if session.last_message_at is None else to_timestamp(session.last_message_at),
        "participants": list(session.participants),
        "tags": list(session.tags),
        "activity": {"width": session.activity.width.total_seconds(), "counts": list(session.activity.counts)},
        "metadata": dict(session.metadata),
        "search_text": session.headline_form,
        "timestamp": to_timestamp(session.created_at),
        # The container's unique key covers /message_id, and an absent value would count as one and the same.
        "message_id": session.session_id,
    }
    if session.title is not None:
        document["title"] = session.title
    check_size(document, field="metadata")
    return document


def session_from_document(document: Mapping[str, Any], *, naive_zone: tzinfo | None = None) -> Session:
    """Read a session document, the seed's form included. Raises `StorageCorrupt`, naming the document and the field."""
    created_at = _time(document, "created_at", naive_zone)
    return Session(
        session_id=_text(document, "session_id"),
        task=_text(document, "task"),
        created_at=created_at,
        updated_at=_time(document, "updated_at", naive_zone, default=created_at),
        status=_status(document),
        message_count=_count(document),
        last_message_at=_optional_time(document, "last_message_at", naive_zone),
        participants=_words(document, "participants"),
        tags=_words(document, "tags"),
        title=document.get("title"),
        activity=_activity(document),
        metadata=document.get("metadata") or {},
        extra=_unknown(document, _SESSION_KEYS),
    )


def deletion_time(document: Mapping[str, Any]) -> datetime | None:
    """When a session was deleted, `None` if it was not. Raises `StorageCorrupt`."""
    return _optional_time(document, "deleted_at", None)


def message_to_document(draft: MessageDraft, *, session_id: str, sequence: int) -> Document:
    """The document of a message that is to be stored. Raises `ItemTooLarge` if no store takes it."""
    document = message_as_document(Message.from_draft(draft, session_id=session_id, sequence=sequence))
    if not _surely_fits(draft):
        check_size(document, field="content")
    return document


def message_as_document(message: Message) -> Document:
    """The document of a stored message."""
    document: Document = {
        **message.extra,
        "id": message_document_id(message.session_id, message.sequence),
        "session_id": message.session_id,
        "type": MESSAGE_TYPE,
        "source": message.source,
        "content": message.content,
        "timestamp": to_timestamp(message.timestamp),
        "sequence": message.sequence,
        "message_id": message.message_id,
        "kind": message.kind,
        "search_text": search_form(message.content),
        "letters": len(message.content),
        "metadata": dict(message.metadata),
    }
    if message.models_usage is not None:
        document["models_usage"] = dict(message.models_usage)
    return document


def message_from_document(document: Mapping[str, Any], *, naive_zone: tzinfo | None = None) -> Message:
    """Read a message document, the seed's form included. Raises `StorageCorrupt`, naming the document and the field."""
    sequence = document.get("sequence")
    if not isinstance(sequence, int) or sequence < 1:
        raise _corrupt(document, "sequence", "is not a number from 1 on")
    return Message(
        session_id=_text(document, "session_id"),
        sequence=sequence,
        message_id=document.get("message_id") or _text(document, "id"),
        source=_text(document, "source"),
        content=_text(document, "content"),
        timestamp=_time(document, "timestamp", naive_zone),
        kind=document.get("kind") or MessageKind.TEXT.value,
        models_usage=document.get("models_usage"),
        metadata=document.get("metadata") or {},
        extra=_unknown(document, _MESSAGE_KEYS),
    )


def check_drafts_fit(drafts: Iterable[MessageDraft], *, session_id: str) -> None:
    """Raise `ItemTooLarge` for the first draft that no store would take, before any of them is stored."""
    for draft in drafts:
        if not _surely_fits(draft):
            message_to_document(draft, session_id=session_id, sequence=limits.MAX_INTEGER)


def fitting_characters(text: str, *, spare_bytes: int) -> int:
    """How many characters of a text a message can have, if everything else in its document takes `spare_bytes`.

    In pieces, and no further than they fit: some characters are eighteen in the form that is searched.
    """
    left, kept = limits.MAX_ITEM_BYTES - spare_bytes, 0
    while kept < len(text):
        piece = text[kept : kept + _PIECE_CHARACTERS]
        left -= encoded_size({"content": piece, "search_text": search_form(piece)})
        if left < 0:
            return kept
        kept += len(piece)
    return kept


def encoded_size(document: Mapping[str, Any]) -> int:
    """How many bytes the document takes as compact UTF-8 JSON, which is what Cosmos DB counts."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def check_size(document: Mapping[str, Any], *, field: str) -> None:
    """Raise `ItemTooLarge` for a document that Cosmos DB would refuse."""
    size = encoded_size(document)
    if size > limits.MAX_ITEM_BYTES:
        raise ItemTooLarge(
            field,
            f"the stored item would have {size:,} bytes of JSON (its text twice: as written and as searched); "
            f"the limit is {limits.MAX_ITEM_BYTES:,}. Split it into several messages.",
        )


def _surely_fits(draft: MessageDraft) -> bool:
    return not draft.metadata and not draft.models_usage and len(draft.content) < _SURELY_FITTING_CHARACTERS


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise _corrupt(document, key, "is not text")
    return value


def _words(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in document.get(key) or () if isinstance(word, str)))


def _count(document: Mapping[str, Any]) -> int:
    value = document.get("message_count") or 0
    if not isinstance(value, int | float) or value < 0:
        raise _corrupt(document, "message_count", "is not a count")
    return int(value)


def _activity(document: Mapping[str, Any]) -> Activity:
    value = document.get("activity")
    if value is None:
        return Activity()
    try:
        return Activity(timedelta(seconds=value["width"]), tuple(int(count) for count in value["counts"]))
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise _corrupt(document, "activity", "is not a width in seconds and counts") from error


def _status(document: Mapping[str, Any]) -> SessionStatus:
    value = document.get("status", SessionStatus.ACTIVE)
    try:
        return SessionStatus(value)
    except ValueError as error:
        known = ", ".join(SessionStatus)
        raise _corrupt(document, "status", f"is {value!r}, not one of {known}") from error


def _time(document: Mapping[str, Any], key: str, zone: tzinfo | None, *, default: datetime | None = None) -> datetime:
    if default is not None and document.get(key) is None:
        return default
    try:
        return parse_stored_timestamp(document.get(key), naive_zone=zone, field=key)
    except InvalidTimestamp as error:
        raise _corrupt(document, key, "is not a time") from error


def _optional_time(document: Mapping[str, Any], key: str, zone: tzinfo | None) -> datetime | None:
    return None if document.get(key) is None else _time(document, key, zone)


def _unknown(document: Mapping[str, Any], known: set[str]) -> Document:
    return {key: value for key, value in document.items() if key not in known}


def _corrupt(document: Mapping[str, Any], key: str, complaint: str) -> StorageCorrupt:
    return StorageCorrupt(
        f"The stored document {document.get('id')!r} cannot be read: its {key!r} {complaint}. "
        "Correct it in the container, or delete it."
    )
