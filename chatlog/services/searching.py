"""Use case: search, and show what was found by session, each hit with the words around it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from chatlog.domain.models import Session
from chatlog.domain.query import ParsedQuery
from chatlog.domain.search import Term
from chatlog.services.snippets import Snippet, make_snippet
from chatlog.storage.base import Hit, SessionStore

# Cutting snippets out of so many characters takes some milliseconds; out of more, a thread does it.
LONG_CHARACTERS = 50_000


@dataclass(frozen=True, slots=True)
class FoundRemark:
    """One hit.

    Attributes:
        sequence: of the remark; 0 for the session's title and task.
        source: who said it; `None` for the title and task.
    """

    sequence: int
    source: str | None
    timestamp: datetime
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class FoundSession:
    """The hits in one session, in their order there."""

    session: Session
    remarks: tuple[FoundRemark, ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A part of what a search found.

    Attributes:
        sessions: in the order of their hits. One that has more hits than fit goes on with the next page.
        next_cursor: pass it as `cursor` for what comes after; `None` at the end.
    """

    sessions: tuple[FoundSession, ...] = ()
    next_cursor: str | None = None

    @property
    def hit_count(self) -> int:
        """How many hits are on this page."""
        return sum(len(found.remarks) for found in self.sessions)


async def search(store: SessionStore, parsed: ParsedQuery, *, cursor: str | None = None, limit: int = 50) -> FoundPage:
    """What a query asks for, at most `limit` hits (1 to 1,000).

    The store is asked nothing, and nothing is found, while the query has problems or no terms.

    Raises:
        InvalidCursor: `cursor` was not given out by this search.
        StorageError: the store does not answer.
    """
    if parsed.problems or not parsed.terms:
        return FoundPage()
    page = await store.search(parsed.as_search(), limit=limit, cursor=cursor)
    if sum(len(hit.text) for hit in page.hits) > LONG_CHARACTERS:
        sessions = await asyncio.to_thread(_group, page.hits, parsed.terms)
    else:
        sessions = _group(page.hits, parsed.terms)
    return FoundPage(sessions, page.next_cursor)


def _group(hits: Sequence[Hit], terms: Sequence[Term]) -> tuple[FoundSession, ...]:
    groups = [list(group) for _, group in groupby(hits, key=lambda hit: hit.session.session_id)]
    return tuple(FoundSession(group[0].session, tuple(_describe(hit, terms) for hit in group)) for group in groups)


def _describe(hit: Hit, terms: Sequence[Term]) -> FoundRemark:
    return FoundRemark(hit.sequence, hit.source, hit.timestamp, make_snippet(terms, hit.text))
