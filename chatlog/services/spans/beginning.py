"""What a discussion is called that spans begin."""

from __future__ import annotations

from itertools import chain

from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind, Session, draft_session
from chatlog.domain.remarks import MAX_NOTE_CHARACTERS
from chatlog.domain.text import replace_unstorable
from chatlog.services.spans import values
from chatlog.services.spans.lots import Lot
from chatlog.services.spans.placing import conversation_session

# What an SDK calls a service that nobody named.
_NAMELESS = "unknown_service"


def begin(session_id: str, first: list[MessageDraft], lot: Lot) -> Session:
    """The session as it is to be created.

    Its root comes last, and perhaps in a later request: what a person asked is the best there is, else what the work is called.
    """
    asked = (draft.content for draft in first if draft.kind == MessageKind.TEXT and draft.source == "user")
    titles = (placed.reading.title or "" for placed in lot.placed)
    names = (replace_unstorable(name).strip() for name in chain(asked, titles, [f"Work of {first[0].source}"]))
    span = lot.placed[0].span
    service = values.text(span.resource, "service.name") or _NAMELESS
    about = {"trace_id": span.trace_id, **_original_id(session_id, lot)}
    if not service.startswith(_NAMELESS):
        about["service"] = replace_unstorable(service)[:MAX_NOTE_CHARACTERS]
    return draft_session(
        session_id=session_id,
        task=next(name for name in names if name)[:MAX_TASK_CHARACTERS],
        created_at=min(draft.timestamp for draft in first),
        metadata=about,
    )


def _original_id(session_id: str, lot: Lot) -> dict[str, str]:
    """What the spans call the conversation, where that could not be the session's id."""
    names = (placed.reading.conversation for placed in lot.placed)
    original = next((name for name in names if name and conversation_session(name) == session_id), session_id)
    return {} if original == session_id else {"session_id": replace_unstorable(original)[:MAX_NOTE_CHARACTERS]}
