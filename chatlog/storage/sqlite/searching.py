"""Searching: the index and what it has not got to yet propose places, the rule in `domain` decides."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any

import apsw

from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.models import Session
from chatlog.domain.search import Term, matches
from chatlog.domain.text import search_form
from chatlog.errors import InvalidCursor
from chatlog.storage.base import Hit, SearchPage
from chatlog.storage.cursors import encode_cursor, read_cursor
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.listing import session_conditions
from chatlog.storage.sqlite.messages import find_place
from chatlog.storage.sqlite.tokens import match_expression


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """The hit that a page ended with."""

    session: int = rows.MAX_SESSION_ROWID
    sequence: int = -1

    @classmethod
    def read(cls, text: str) -> SearchCursor:
        """Read a cursor. Raises `InvalidCursor`."""
        session, sequence = read_cursor(text, int, int)
        if not (0 <= session <= rows.MAX_SESSION_ROWID and 0 <= sequence <= rows.MAX_SEQUENCE):
            raise InvalidCursor("cursor", f"{text[:40]!r} was not given out by a search. Start from the first page.")
        return cls(session, sequence)


def search(connection: apsw.Connection, query: SearchQuery, *, limit: int, start: SearchCursor) -> SearchPage:
    """A page of what `query` asks for."""
    # One more than asked for tells whether there is a next page.
    found = list(islice(_find_hits(connection, query, start), limit + 1))
    hits = found[:limit]
    cursor = encode_cursor(hits[-1][0]) if len(found) > limit else None
    return SearchPage(tuple(hit for _, hit in hits), cursor)


def list_matches(connection: apsw.Connection, session_id: str, terms: Sequence[Term], *, limit: int) -> list[int]:
    """The first sequences of a session in which every term occurs."""
    place = find_place(connection, session_id)
    if place is None or place.deleted_at is not None:
        return []
    proposed = _propose_in_session(connection, place.rowid, place.last_sequence, match_expression(terms))
    contents = connection.execute(queries.SELECT_CONTENTS_AT, (json.dumps(proposed),))
    found = (id_ & rows.MAX_SEQUENCE for id_, content in contents if matches(terms, search_form(content)))
    return list(islice(found, limit))


def _find_hits(connection: apsw.Connection, query: SearchQuery, start: SearchCursor) -> Iterator[tuple[tuple[int, int], Hit]]:
    """All hits from a cursor on, each with its place; read from the database as far as they are asked for."""
    now = utc_now()
    for rowid, places in groupby(
        _propose(connection, query, start.session, now=now), key=lambda place: place >> rows.SEQUENCE_BITS
    ):
        row = connection.execute(queries.SELECT_SESSION_BY_ROWID, (rowid,)).fetchone()
        session = None if row is None else rows.session_from_row(row)
        if session is None or not query.accepts_session(session, now=now):
            continue
        # Proposed from the newest on, as sessions come; within a session they are shown in their order.
        sequences = [place & rows.MAX_SEQUENCE for place in places][::-1]
        if rowid == start.session:
            sequences = [sequence for sequence in sequences if sequence > start.sequence]
        for hit in _hits_in_session(connection, query, session, rowid, sequences):
            yield (rowid, hit.sequence), hit


def _hits_in_session(
    connection: apsw.Connection, query: SearchQuery, session: Session, rowid: int, sequences: list[int]
) -> Iterator[Hit]:
    if sequences and sequences[0] == 0 and query.accepts_headline(session):
        yield Hit(session, 0, None, session.created_at, f"{session.title}\n{session.task}" if session.title else session.task)
    places = json.dumps([rows.place_of(rowid, sequence) for sequence in sequences if sequence])
    for row in connection.execute(queries.SELECT_MESSAGES_AT, (places,)):
        message = rows.message_from_row(session.session_id, row)
        if query.accepts_message(message):
            yield Hit(session, message.sequence, message.source, message.timestamp, message.content)


def _propose(connection: apsw.Connection, query: SearchQuery, newest: int, *, now: datetime) -> Iterator[int]:
    """Places that may match, from the newest down; first those in session `newest`."""
    conditions = session_conditions(states=query.states, tags=query.tags, now=now)
    expression = match_expression(query.terms)
    upto = {"newest": newest}
    if expression is None:
        return _whole_sessions(connection.execute(queries.LIST_EVERYTHING, conditions | upto))
    values = conditions | {
        "expression": expression,
        "last": rows.place_of(newest, rows.MAX_SEQUENCE),
        "agents": json.dumps(query.agents) if query.agents else None,
        "since": None if query.since is None else to_timestamp(query.since),
        "until": None if query.until is None else to_timestamp(query.until),
    }
    indexed = (place for (place,) in connection.execute(queries.PROPOSE, values))
    return heapq.merge(indexed, _whole_sessions(connection.execute(queries.LIST_UNINDEXED, upto)), reverse=True)


def _whole_sessions(sessions: Iterable[tuple[Any, ...]]) -> Iterator[int]:
    """The places of sessions, from the newest down, that come after a sequence; before the first is the headline."""
    for rowid, after, last_sequence in sessions:
        yield from range(rows.place_of(rowid, last_sequence), rows.place_of(rowid, after), -1)


def _propose_in_session(connection: apsw.Connection, rowid: int, last_sequence: int, expression: str | None) -> list[int]:
    start, end = rows.place_of(rowid, 0), rows.place_of(rowid, last_sequence)
    if expression is None:
        return [*range(start + 1, end + 1)]
    ((indexed,),) = connection.execute(queries.SELECT_INDEXED, (rowid,))
    proposed = connection.execute(queries.PROPOSE_IN_SESSION, (expression, start, end))
    return [*(place for (place,) in proposed), *range(start + max(0, indexed) + 1, end + 1)]
