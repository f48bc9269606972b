"""Searching all sessions: one query proposes candidates, the latest first; the rule and their sessions decide.

A page costs one query over all partitions and one point read for each session on it. A status or a tag belongs to the session,
which no query can join: so the sessions are asked for first, and named to the search if they are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import Session
from chatlog.storage.base import Hit, SearchPage
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.numbering import find_places, is_ours
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.reading import holds_all
from chatlog.storage.cosmos.session_record import find_sessions
from chatlog.storage.cosmos.tuning import MAX_PAGE_SIZE, MOST_CANDIDATES, MOST_NAMED_SESSIONS, MOST_STEPS
from chatlog.storage.cursors import encode_cursor, read_cursor
from chatlog.storage.documents import SESSION_TYPE, Document, message_from_document

Key = tuple[str, str]


def decode_search_cursor(text: str) -> Key:
    """Read a search's cursor: timestamp and id of the last candidate looked at. Raises `InvalidCursor`."""
    timestamp, document_id = read_cursor(text, str, str)
    return timestamp, document_id


@dataclass(kw_only=True)
class Search:
    """One page of a search.

    Attributes:
        limit: how many hits the page has room for.
        after: where the page before ended.
    """

    calls: Calls
    query: SearchQuery
    limit: int
    after: Key | None
    has_composite_index: bool
    naive_zone: tzinfo | None
    now: datetime = field(default_factory=utc_now)
    _named: list[str] | None = None
    _is_at_end: bool = False
    _held: dict[str, bool] = field(default_factory=dict)

    async def run(self) -> SearchPage:
        """Look at candidates until the page is full, nothing is left, or enough has been looked at."""
        self._named = await self._name_sessions()
        if self._named == []:
            return SearchPage((), None)
        hits: list[Hit] = []
        for _ in range(MOST_STEPS):
            hits += await self._judge(await self._propose(self.limit - len(hits)))
            if self._is_at_end or len(hits) >= self.limit:
                break
        cursor = None if self._is_at_end or self.after is None else encode_cursor(self.after)
        return SearchPage(tuple(sorted(hits, key=_place)), cursor)

    async def _name_sessions(self) -> list[str] | None:
        """The sessions under the search's statuses and tags; `None` if that is no condition, or there are too many."""
        where = SessionFilter(states=self.query.states, tags=self.query.tags)
        if where == SessionFilter():
            return None
        query = queries.sessions(where=where, cursor=None, now=self.now, has_composite_index=False)
        rows = await self.calls.query(
            query, page_size=MOST_NAMED_SESSIONS + 1, is_enough=lambda rows: len(rows) > MOST_NAMED_SESSIONS
        )
        return [row["session_id"] for row in rows] if len(rows) <= MOST_NAMED_SESSIONS else None

    async def _propose(self, room: int) -> list[Document]:
        """The next candidates that hold every term, at most as many as there is room for. Moves on behind the last."""
        query = queries.candidates(
            self.query, session_ids=self._named, after=self.after, has_composite_index=self.has_composite_index
        )

        def is_enough(rows: Sequence[Document]) -> bool:
            size = self._size_of_step(rows, room)
            # Sorting ties ourselves takes all of the last tie, and one more row to see that it has ended.
            return size is not None and (self.has_composite_index or rows[-1]["timestamp"] != rows[size - 1]["timestamp"])

        rows = await self.calls.query(query, page_size=min(room + 1, MAX_PAGE_SIZE), is_enough=is_enough)
        if not self.has_composite_index:
            rows.sort(key=_key, reverse=True)
        size = self._size_of_step(rows, room)
        self._is_at_end = size is None
        if size is not None:
            self.after = _key(rows[size - 1])
        return [row for row in rows[:size] if self._holds(row)]

    def _size_of_step(self, rows: Sequence[Document], room: int) -> int | None:
        """How many of the rows this step looks at; `None` if it is all there are, so far."""
        found = [place for place, row in enumerate(rows, 1) if self._holds(row)]
        if len(found) > room:
            return found[room - 1]
        return MOST_CANDIDATES if len(rows) > MOST_CANDIDATES else None

    def _holds(self, row: Document) -> bool:
        """Whether a candidate holds every term. What a headline holds is seen in its session."""
        if row["type"] == SESSION_TYPE:
            return True
        if row["id"] not in self._held:
            self._held[row["id"]] = holds_all(self.query.terms, row)
        return self._held[row["id"]]

    async def _judge(self, found: Sequence[Document]) -> list[Hit]:
        sessions = await find_sessions(
            self.calls, dict.fromkeys(row["session_id"] for row in found), naive_zone=self.naive_zone
        )
        asked_for = {session.session_id: session for session in sessions if self.query.accepts_session(session, now=self.now)}
        rows = await self._renumbered([row for row in found if row["session_id"] in asked_for])
        hits = (self._hit(row, asked_for[row["session_id"]]) for row in rows)
        return [hit for hit in hits if hit is not None]

    async def _renumbered(self, rows: list[Document]) -> list[Document]:
        """With the numbers that readers see: those of the seed's messages go by their place."""
        foreign = {row["session_id"] for row in rows if row["type"] != SESSION_TYPE and not is_ours(row, row["session_id"])}
        places: dict[str, int] = {}
        for found in await each(sorted(foreign), lambda session_id: find_places(self.calls, session_id)):
            places |= found
        return [{**row, "sequence": places.get(row["id"], row.get("sequence"))} for row in rows]

    def _hit(self, row: Document, session: Session) -> Hit | None:
        if row["type"] == SESSION_TYPE:
            if not self.query.accepts_headline(session):
                return None
            text = session.task if session.title is None else f"{session.title}\n{session.task}"
            return Hit(session, 0, None, session.created_at, text)
        message = message_from_document(row, naive_zone=self.naive_zone)
        if not self.query.accepts_message(message):
            return None
        return Hit(session, message.sequence, message.source, message.timestamp, message.content)


def _key(row: Document) -> Key:
    return row["timestamp"], row["id"]


def _place(hit: Hit) -> tuple[float, str, int]:
    return -hit.session.created_at.timestamp(), hit.session.session_id, hit.sequence
