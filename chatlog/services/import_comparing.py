"""Whether a session that is there says the same as a file does, so that nothing counts as there that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import ChatlogError
from chatlog.storage.base import SessionStore

_PAGE = 500
_MOST_NAMED = 5


class Contradiction(ChatlogError):
    """Messages of a file have ids under which their session has other words. Nothing of it was changed."""

    def __init__(self, session_id: str, message_ids: Sequence[str]) -> None:
        named = ", ".join(map(repr, message_ids[:_MOST_NAMED]))
        more = len(message_ids) - _MOST_NAMED
        super().__init__(
            f"session {session_id!r} is there, and says something else under {len(message_ids):,} of these message ids: "
            f"{named}{f' and {more:,} more' if more > 0 else ''}. What is stored stays. To import this version, delete the "
            "session first; if these are other remarks, give them ids of their own."
        )
        self.message_ids = tuple(message_ids)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file has that its session has not.

    Attributes:
        missing: how many of the file's messages are not stored.
        contradicted: the ids of those that are stored with another source or content.
    """

    missing: int
    contradicted: tuple[str, ...]


async def compare(store: SessionStore, session_id: str, drafts: Iterable[MessageDraft]) -> Comparison:
    """Look for each of these messages in the session, wherever it stands there.

    Memory grows with how much their orders differ, which is not at all for a session that was imported.
    """
    # Hashes of what waits for its other half. They are enough to tell words apart, and small.
    in_file: dict[str, int] = {}
    in_store: dict[str, int] = {}
    contradicted: list[str] = []

    def meet(one: MessageDraft | Message, own: dict[str, int], others: dict[str, int]) -> None:
        said, words = others.pop(one.message_id, None), hash((one.source, one.content))
        if said is None:
            own[one.message_id] = words
        elif said != words:
            contradicted.append(one.message_id)

    rest = iter(drafts)
    async for message in _read_all(store, session_id):
        for draft in islice(rest, 1):
            meet(draft, in_file, in_store)
        meet(message, in_store, in_file)
    for draft in rest:
        meet(draft, in_file, in_store)
    return Comparison(missing=len(in_file), contradicted=tuple(contradicted))


async def _read_all(store: SessionStore, session_id: str) -> AsyncIterator[Message]:
    after = 0
    while page := await store.list_messages(session_id, after=after, limit=_PAGE):
        for message in page:
            yield message
        after = page[-1].sequence
