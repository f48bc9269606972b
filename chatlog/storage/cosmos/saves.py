"""What callers asked to be saved, cut into parts that fit one request, and what of it is still to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chatlog.domain import limits
from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import IdempotencyConflict, InvalidId
from chatlog.storage.cosmos.tuning import MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS
from chatlog.storage.documents import encoded_size, message_to_document

# {"operationType":"Create","resourceBody":…}, and a comma
_ENVELOPE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Part:
    """Drafts that fit one request, and the bytes they take in it."""

    drafts: tuple[MessageDraft, ...]
    size: int

    def has_room_for(self, other: Part) -> bool:
        """Whether both together still fit one request."""
        return len(self.drafts) + len(other.drafts) <= MAX_BATCH_OPERATIONS and self.size + other.size <= MAX_BATCH_BYTES

    def __add__(self, other: Part) -> Part:
        return Part(self.drafts + other.drafts, self.size + other.size)


@dataclass(eq=False, slots=True)
class Save:
    """One call of one caller: what is left of it, what of it is stored, and whom to tell."""

    parts: deque[Part]
    caller: asyncio.Future[list[Message]]
    stored: list[Message] = field(default_factory=list)


def new_save(session_id: str, drafts: Sequence[MessageDraft]) -> Save:
    """Cut the drafts into parts. Raises `IdempotencyConflict` for drafts that contradict each other, and `ItemTooLarge`."""
    first: dict[str, MessageDraft] = {}
    for draft in drafts:
        _check_message_id(session_id, draft)
        if not first.setdefault(draft.message_id, draft).says_the_same_as(draft):
            raise IdempotencyConflict(session_id, draft.message_id)
    return Save(deque(_cut(session_id, drafts)), asyncio.get_running_loop().create_future())


def plan(
    work: Iterable[tuple[Save, Part]], stored: Mapping[str, Message], session_id: str
) -> tuple[list[MessageDraft], dict[Save, IdempotencyConflict]]:
    """The drafts that are still to be stored, and the saves that must fail because an id has another text already."""
    claimed: dict[str, MessageDraft] = {}
    refused: dict[Save, IdempotencyConflict] = {}
    for save, part in work:
        contradicted = next((draft for draft in part.drafts if _contradicts(draft, stored, claimed)), None)
        if contradicted is not None:
            refused[save] = IdempotencyConflict(session_id, contradicted.message_id)
            continue
        for draft in part.drafts:
            if draft.message_id not in stored:
                claimed.setdefault(draft.message_id, draft)
    return list(claimed.values()), refused


def _contradicts(draft: MessageDraft, stored: Mapping[str, Message], claimed: Mapping[str, MessageDraft]) -> bool:
    if (message := stored.get(draft.message_id)) is not None:
        return not message.says_the_same_as(draft)
    other = claimed.get(draft.message_id)
    return other is not None and not other.says_the_same_as(draft)


def _check_message_id(session_id: str, draft: MessageDraft) -> None:
    if draft.message_id == session_id:
        raise InvalidId(
            "message_id", f"{session_id!r} is the session's own id, which is taken in this container. Use another one."
        )


def _cut(session_id: str, drafts: Sequence[MessageDraft]) -> list[Part]:
    parts: list[Part] = []
    for draft in drafts:
        document = message_to_document(draft, session_id=session_id, sequence=limits.MAX_INTEGER)
        part = Part((draft,), encoded_size(document) + _ENVELOPE_BYTES)
        if parts and parts[-1].has_room_for(part):
            parts[-1] += part
        else:
            parts.append(part)
    return parts
