"""What a process remembers of the discussions that spans come for; all of it can be read again from the store."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chatlog.domain.models import Message, MessageDraft
from chatlog.services.spans.ending import Ending
from chatlog.services.spans.heard import Heard
from chatlog.services.spans.lineage import Lineage
from chatlog.services.spans.marks import words_of
from chatlog.storage.base import SessionStore

MOST_DISCUSSIONS = 200
# Of all discussions together: a remark takes about a kilobyte.
MOST_REMARKS = 50_000
MOST_TRACES = 10_000
# Of all traces together, to know how they are nested. No fewer than one request may have.
MOST_SPANS = 100_000
# How far back a discussion is read that somebody else began: what spans may tell again was said just now.
MOST_READ_BACK = 1_000
_PAGE = 500

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V], Generic[K, V]):
    """A mapping that holds so many entries, those that were used last."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: K, value: V) -> None:
        """Add or renew an entry; the one that was longest unused goes if there are too many."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)

    def keep(self, key: K, value: V) -> None:
        """Add an entry, or renew it as it is."""
        self.put(key, self.get(key, value))


@dataclass(slots=True)
class Discussion:
    """One session, as far as it is known.

    Attributes:
        heard: what it has in it.
        is_there: it was created or found.
        turn: whoever tells something waits for it: what one request tells, the next has to know.
    """

    heard: Heard = field(default_factory=Heard)
    is_there: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _cursor: int | None = None

    async def catch_up(self, store: SessionStore, session_id: str) -> None:
        """Learn what was stored since the last time, by whomever."""
        if self._cursor is None:
            self._cursor = max(0, await store.get_last_sequence(session_id) - MOST_READ_BACK)
        while True:
            page = await store.list_messages(session_id, after=self._cursor, limit=_PAGE)
            self._learn(page)
            if len(page) < _PAGE:
                return

    async def has_words(self, store: SessionStore, session_id: str, told: MessageDraft) -> bool:
        """Whether what somebody stored since the last time under this remark's id is the same words."""
        after = self._cursor or 0
        while page := await store.list_messages(session_id, after=after, limit=_PAGE):
            for message in page:
                if message.message_id == told.message_id:
                    return words_of(message) == words_of(told)
            after = page[-1].sequence
        return False

    def pass_over(self, stored: Iterable[Message]) -> None:
        """What was told just now need not be read, as far as nobody else stored anything between."""
        for message in stored:
            if self._cursor is not None and message.sequence == self._cursor + 1:
                self._cursor = message.sequence

    def _learn(self, page: Iterable[Message]) -> None:
        for message in page:
            self.heard.learn(message)
            self._cursor = message.sequence


class SpanMemory:
    """For one event loop.

    Attributes:
        traces: the session of each trace that spans came of.
        ended: how each trace ended, the last time.
    """

    def __init__(self) -> None:
        self._discussions: Recent[str, Discussion] = Recent(MOST_DISCUSSIONS)
        self._parents: Recent[str, dict[str, str]] = Recent(MOST_TRACES)
        self.traces: Recent[str, str] = Recent(MOST_TRACES)
        self.ended: Recent[str, Ending] = Recent(MOST_TRACES)

    def discussion(self, session_id: str) -> Discussion:
        """What is known of a session."""
        found = self._discussions.get(session_id) or Discussion()
        self._discussions.put(session_id, found)
        return found

    def forget(self, session_id: str) -> None:
        """What was learned of a session may not be stored."""
        self._discussions.pop(session_id, None)

    def make_room(self) -> None:
        """Forget discussions until those left have no more remarks than may be: not the last one, and none at work."""
        remarks = sum(len(discussion.heard) for discussion in self._discussions.values())
        for session_id, discussion in list(self._discussions.items())[:-1]:
            if remarks <= MOST_REMARKS:
                return
            if not discussion.turn.locked():
                del self._discussions[session_id]
                remarks -= len(discussion.heard)

    def note_parents(self, parents: Mapping[str, dict[str, str]]) -> Lineage:
        """Note around which spans others are, by their traces, and return all that is known of these traces."""
        spans = sum(map(len, self._parents.values())) + sum(map(len, parents.values()))
        while spans > MOST_SPANS and self._parents:
            _, oldest = self._parents.popitem(last=False)
            spans -= len(oldest)
        known = {trace_id: self._parents.get(trace_id, {}) for trace_id in parents}
        for trace_id, found in parents.items():
            known[trace_id].update(found)
            self._parents.put(trace_id, known[trace_id])
        return Lineage(known)
