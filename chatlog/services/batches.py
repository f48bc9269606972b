"""Many remarks in pieces that a store takes at once: not so many, nor so long, that others wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatlog.domain.models import MessageDraft

BATCH_MESSAGES = 500
BATCH_CHARACTERS = 1_000_000


def in_batches(drafts: Iterable[MessageDraft]) -> Iterator[list[MessageDraft]]:
    """The remarks in their order."""
    batch: list[MessageDraft] = []
    size = 0
    for draft in drafts:
        batch.append(draft)
        size += len(draft.content)
        if len(batch) == BATCH_MESSAGES or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
