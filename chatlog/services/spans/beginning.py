"""What a discussion is called that spans begin."""

from __future__ import annotations

from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind, Session, draft_session
from chatlog.domain.text import replace_unstorable
from chatlog.services.spans import values
from chatlog.services.spans.lots import Lot

# What an SDK calls a service that nobody named.
_NAMELESS = "unknown_service"


def begin(session_id: str, first: list[MessageDraft], lot: Lot) -> Session:
    """The session as it is to be created.

    Its root comes last, and perhaps in a later request: what a person asked is the best there is, else what the work is called.
    """
    asked = next((draft.content for draft in first if draft.kind == MessageKind.TEXT and draft.source == "user"), None)
    title = next((placed.reading.title for placed in lot.placed if placed.reading.title), None)
    span = lot.placed[0].span
    service = values.text(span.resource, "service.name") or _NAMELESS
    about = {"trace_id": span.trace_id} | ({} if service.startswith(_NAMELESS) else {"service": replace_unstorable(service)})
    return draft_session(
        session_id=session_id,
        task=replace_unstorable(asked or title or f"Work of {first[0].source}")[:MAX_TASK_CHARACTERS],
        created_at=min(draft.timestamp for draft in first),
        metadata=about,
    )
