"""The list of sessions: pages under a filter, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import apsw

from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Session, SessionState
from chatlog.storage.base import SessionPage
from chatlog.storage.cursors import SessionCursor, encode_cursor
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.matching import find_needle, terms_to_json

_ACTIVE = frozenset({SessionState.RUNNING, SessionState.STALLED})
# After every time and id there can be.
_NEWEST = SessionCursor("~", "")


def list_sessions(
    connection: apsw.Connection, *, limit: int, cursor: SessionCursor | None, where: SessionFilter
) -> SessionPage:
    """A page of the sessions that a filter accepts."""
    values = _parameters(where)
    start = _NEWEST if cursor is None else cursor
    # One more than asked for tells whether more follow in this direction.
    found = _select(connection, where, values, start=start, limit=limit + 1)
    items, goes_on = found[:limit], len(found) > limit
    turned = cursor is not None and bool(items) and _is_any_behind(connection, where, values, items[0], start)
    if start.is_backwards:
        items, goes_on, turned = items[::-1], turned, goes_on
    return SessionPage(
        tuple(items),
        encode_cursor(_cursor_at(items[-1], is_backwards=False)) if goes_on else None,
        encode_cursor(_cursor_at(items[0], is_backwards=True)) if turned else None,
        _count(connection, where, values),
    )


def session_conditions(*, states: Iterable[SessionState], tags: tuple[str, ...], now: datetime) -> dict[str, Any]:
    """The parameters for the states and tags asked for; what is not asked for is NULL."""
    return {
        "states": json.dumps([*states]) if states else None,
        "stalled_before": to_timestamp(now - limits.STALLED_AFTER),
        "tags": json.dumps(tags) if tags else None,
    }


def _parameters(where: SessionFilter) -> dict[str, Any]:
    return {
        "since": None if where.since is None else to_timestamp(where.since),
        "begins_since": to_timestamp(where.since) if where.since is not None and where.must_begin_since else "",
        "until": None if where.until is None else to_timestamp(where.until),
        "agents": json.dumps(where.agents) if where.agents else None,
        "terms": terms_to_json(where.terms) if where.terms else None,
        "needle": find_needle(where.terms),
        **session_conditions(states=where.states, tags=where.tags, now=utc_now()),
    }


def _select(
    connection: apsw.Connection, where: SessionFilter, values: dict[str, Any], *, start: SessionCursor, limit: int
) -> list[Session]:
    if _is_only_active(where):
        text = queries.LIST_NEWER_ACTIVE if start.is_backwards else queries.LIST_OLDER_ACTIVE
    else:
        text = queries.LIST_NEWER if start.is_backwards else queries.LIST_OLDER
    border = {"created_at": start.created_at, "session_id": start.session_id, "limit": limit}
    return [rows.session_from_row(row) for row in connection.execute(text, values | border)]


def _is_any_behind(
    connection: apsw.Connection, where: SessionFilter, values: dict[str, Any], first: Session, start: SessionCursor
) -> bool:
    """Whether the list has sessions on the side that the cursor came from."""
    back = _cursor_at(first, is_backwards=not start.is_backwards)
    return bool(_select(connection, where, values, start=back, limit=1))


def _count(connection: apsw.Connection, where: SessionFilter, values: dict[str, Any]) -> int:
    if where == EVERYTHING:
        found = connection.execute(queries.COUNT_ALL)
    else:
        text = queries.COUNT_LISTED_ACTIVE if _is_only_active(where) else queries.COUNT_LISTED
        found = connection.execute(text, values)
    ((count,),) = found
    return int(count)


def _is_only_active(where: SessionFilter) -> bool:
    return bool(where.states) and where.states <= _ACTIVE


def _cursor_at(session: Session, *, is_backwards: bool) -> SessionCursor:
    return SessionCursor(to_timestamp(session.created_at), session.session_id, is_backwards)
