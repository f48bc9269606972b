"""Reading a session's messages, in order and never over a hole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from chatlog.domain import limits
from chatlog.domain.models import Message
from chatlog.domain.search import Term, matches
from chatlog.domain.text import search_form
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.numbering import find_places, is_ours, is_unbroken, renumber, until_hole
from chatlog.storage.documents import Document, message_from_document


async def list_messages(calls: Calls, session_id: str, *, after: int, limit: int, naive_zone: tzinfo | None) -> list[Message]:
    """Messages with a number above `after`, at most `limit`, without a hole among them."""
    # The message at the cursor comes along: if it is one of ours, all before it are in place, whoever wrote them.
    rows = await calls.query(
        queries.messages_from(session_id, sequence=after), page_size=limit + 1, is_enough=lambda rows: len(rows) > limit
    )
    begins_at_cursor = after == 0 or bool(rows and rows[0]["sequence"] == after)
    if not begins_at_cursor or not all(is_ours(row, session_id) for row in rows):
        rows = await _renumbered(calls, session_id, rows)
    sound = until_hole((row for row in rows if row["sequence"] > after), after=after)
    return [message_from_document(row, naive_zone=naive_zone) for row in sound[:limit]]


async def list_messages_before(
    calls: Calls, session_id: str, *, before: int, limit: int, naive_zone: tzinfo | None
) -> list[Message]:
    """The last messages with a number below `before`, at most `limit`, without a hole among them."""
    rows = await calls.query(
        queries.messages_before(session_id, sequence=before), page_size=limit, is_enough=lambda rows: len(rows) >= limit
    )
    rows = rows[:limit][::-1]
    if (rows and not all(is_ours(row, session_id) for row in rows)) or (not rows and 1 < before <= limits.MAX_INTEGER):
        rows = [row for row in await _renumbered(calls, session_id, rows) if row["sequence"] < before][-limit:]
    sound = until_hole(rows, after=rows[0]["sequence"] - 1) if rows else []
    return [message_from_document(row, naive_zone=naive_zone) for row in sound]


async def list_matches(calls: Calls, session_id: str, terms: Sequence[Term], *, limit: int) -> list[int]:
    """The numbers of the messages in which every term occurs, in order, the first `limit`."""

    def matching(rows: Sequence[Document]) -> list[Document]:
        return [row for row in rows if holds_all(terms, row)]

    query = queries.matches(session_id, terms)
    rows = matching(await calls.query(query, is_enough=lambda rows: len(matching(rows)) >= limit))
    if not all(is_ours(row, session_id) for row in rows):
        places = await find_places(calls, session_id)
        return sorted(places[row["id"]] for row in rows)[:limit]
    return [row["sequence"] for row in rows[:limit]]


def holds_all(terms: Sequence[Term], row: Document) -> bool:
    """Whether every term occurs in a message's content; in a damaged one without any, none does."""
    content = row.get("content")
    return isinstance(content, str) and matches(terms, search_form(content))


async def _renumbered(calls: Calls, session_id: str, rows: list[Document]) -> list[Document]:
    """The rows if the session's stored numbers are sound, else all of its messages, numbered by their place."""
    if is_unbroken(await calls.query(queries.speakers(session_id))):
        return rows
    return renumber(await calls.query(queries.messages_from(session_id, sequence=0)), session_id)
