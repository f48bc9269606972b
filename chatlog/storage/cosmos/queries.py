"""The only Cosmos DB SQL: a finite set of texts. Values travel as parameters, never inside a text.

Each partition query names the key in its text too, which costs nothing and makes it independent of headers. No cross-partition
query aggregates, because the SDK refuses aggregates with names across partitions.

A filter's conditions only propose: whoever asks applies the rule to what comes back. So it is enough to send `SLOTS` of many
values, to leave some of it to the rule, and to look a little further in time than asked, for the seed's local times.

AND binds closer than OR; parentheses that only repeat that are left out, because each level of them takes the parser of the
independent server that tests run several times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import SessionState, SessionStatus
from chatlog.domain.search import Term
from chatlog.storage.cursors import SessionCursor

# A writer that is further behind than this looks several times, each time for an answer of a bounded size.
LOOK_AHEAD = 256
# How many values of one kind a text has room for; fewer are repeated.
SLOTS = 3
# How far a local time can be from UTC. Source: https://www.iana.org/time-zones (Pacific/Kiritimati)
_LOCAL_TIME = timedelta(hours=14)
_BEGINNING = datetime.min.replace(tzinfo=UTC) + _LOCAL_TIME
_END = datetime.max.replace(tzinfo=UTC) - _LOCAL_TIME

Values = dict[str, Any]
Piece = tuple[str, Values]


@dataclass(frozen=True, slots=True)
class Query:
    """A text of this module and its values.

    Attributes:
        partition: the session whose partition answers, or `None` for all of them.
    """

    text: str
    values: Values
    partition: str | None = None

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The values in the form the service wants."""
        return [{"name": f"@{name}", "value": value} for name, value in self.values.items()]


def _in_slots(condition: str, name: str) -> str:
    return "".join(f" AND {condition.format(value=f'@{name}{slot}')}" for slot in range(SLOTS))


# The lower bound leaves out what has no number: ORDER BY alone would not.
_MESSAGES = "FROM c WHERE c.session_id = @session_id AND c.type = 'message' AND c.sequence >= 1"

MESSAGES_FROM = f"SELECT * {_MESSAGES} AND c.sequence >= @sequence ORDER BY c.sequence"
MESSAGES_BEFORE = f"SELECT * {_MESSAGES} AND c.sequence < @sequence ORDER BY c.sequence DESC"
LAST_MESSAGE = f"SELECT TOP 1 c.id, c.sequence {_MESSAGES} ORDER BY c.sequence DESC"
MESSAGE_COUNT = f"SELECT COUNT(1) AS messages {_MESSAGES}"
SPEAKERS = f"SELECT c.id, c.sequence, c.source, c.timestamp {_MESSAGES} ORDER BY c.sequence"
# What a writer has to know after a clash or a lost reply: its own messages, and the numbers taken since. An equality is sure
# to be looked up in the index, which a save into a container without the unique key does each time.
_TAKEN = "c.sequence >= @sequence AND c.sequence < @until"
OWN_MESSAGE = f"SELECT * {_MESSAGES} AND (c.message_id = @message_id OR {_TAKEN})"
OWN_MESSAGES = f"SELECT * {_MESSAGES} AND (ARRAY_CONTAINS(@message_ids, c.message_id) OR {_TAKEN})"

_ITEMS = "SELECT c.id, c.session_id, c._etag FROM c WHERE c.session_id = @session_id AND c.type = 'message'"
MESSAGE_ITEMS = _ITEMS
LASTING_ITEMS = f"{_ITEMS} AND NOT IS_DEFINED(c.ttl)"
EXPIRING_ITEMS = f"{_ITEMS} AND c.ttl = @ttl"
LEDGER = "SELECT * FROM c WHERE c.session_id = @session_id AND c.type = 'ledger' AND c.day >= @since AND c.day < @until"
DELETED_SESSIONS = (
    "SELECT c.id, c.session_id, c.type, c.created_at, c._ts FROM c WHERE c.type = 'session_info' AND c.deleted_at < @before"
)

# Only texts are above ''. What has no time is left out, as the composite index does; the SDK cannot merge it with the rest.
_SESSIONS = (
    "SELECT c.id, c.session_id, c.task, c.created_at, c.updated_at, c.status, c.message_count, c.last_message_at,"
    " c.participants, c.tags, c.title, c.activity, c.metadata"
    " FROM c WHERE c.type = 'session_info' AND c.created_at > '' AND NOT IS_DEFINED(c.deleted_at)"
)
# No status means active. Whether it has gone silent is left to the rule, but for the question that every first page asks.
_STATES = " AND (ARRAY_CONTAINS(@statuses, c.status) OR NOT IS_DEFINED(c.status))"
_HEARD_OF = " AND (c.created_at >= @silent_since OR c.last_message_at >= @silent_since)"
_EACH_AGENT = _in_slots("ARRAY_CONTAINS(c.participants, {value})", "agent")
_EACH_TAG = _in_slots("ARRAY_CONTAINS(c.tags, {value})", "tag")
_OVERLAP = " AND (c.created_at >= @since OR c.last_message_at >= @since) AND c.created_at < @until"
_BEGAN = " AND c.created_at >= @since AND c.created_at < @until"
_EACH_TERM = _in_slots("CONTAINS(c.search_text, {value})", "term").removeprefix(" AND ")
# The seed's sessions have no search form; there are few enough of them to look at each.
_HEADLINE = f" AND (NOT IS_DEFINED(c.search_text) OR {_EACH_TERM})"

_OLDER = " AND (c.created_at < @at OR c.created_at = @at AND c.id < @id)"
_NEWER = " AND (c.created_at > @at OR c.created_at = @at AND c.id > @id)"
_NEWEST_FIRST = " ORDER BY c.created_at DESC"
_OLDEST_FIRST = " ORDER BY c.created_at ASC"
_TIES_DOWN, _TIES_UP = ", c.id DESC", ", c.id ASC"

# The seed's remarks have no search form: they are proposed if a word of the search stands in them as it is, but for case.
_SEED_FORM = "NOT IS_DEFINED(c.search_text) AND CONTAINS(LOWER(c.content), @raw)"
_PROPOSED = f" AND ({_EACH_TERM} OR {_SEED_FORM})"
_CANDIDATES = (
    "SELECT c.id, c.session_id, c.type, c.sequence, c.source, c.timestamp, c.content"  # noqa: S608  # our own constants
    " FROM c WHERE (c.type = 'session_info' OR c.type = 'message' AND c.sequence >= 1)"
    " AND c.timestamp > '' AND NOT IS_DEFINED(c.deleted_at)" + _PROPOSED
)
_ANY_AGENT = " AND ARRAY_CONTAINS(@agents, c.source)"
_SAID_IN = " AND c.timestamp >= @since AND c.timestamp < @until"
_SOME_SESSIONS = " AND ARRAY_CONTAINS(@sessions, c.session_id)"
_SAID_BEFORE = " AND (c.timestamp < @at OR c.timestamp = @at AND c.id < @id)"
_LATEST_FIRST = " ORDER BY c.timestamp DESC"
MATCHES = f"SELECT c.id, c.sequence, c.content {_MESSAGES}{_PROPOSED} ORDER BY c.sequence"


def _all_of(*choices: Sequence[str]) -> frozenset[str]:
    return frozenset("".join(pieces) for pieces in product(*choices))


_FILTERS = (("", _STATES, _STATES + _HEARD_OF), ("", _EACH_AGENT), ("", _EACH_TAG), ("", _OVERLAP, _BEGAN), ("", _HEADLINE))
SESSION_LISTS = _all_of((_SESSIONS,), *_FILTERS, ("", _OLDER), (_NEWEST_FIRST,), (_TIES_DOWN, "")) | _all_of(
    (_SESSIONS,), *_FILTERS, (_NEWER,), (_OLDEST_FIRST,), (_TIES_UP, "")
)
SEARCHES = _all_of(
    *((_CANDIDATES,), ("", _ANY_AGENT), ("", _SAID_IN), ("", _SOME_SESSIONS), ("", _SAID_BEFORE)),
    *((_LATEST_FIRST,), (_TIES_DOWN, "")),
)
IN_A_SESSION = frozenset(
    {
        *(MESSAGES_FROM, MESSAGES_BEFORE, LAST_MESSAGE, MESSAGE_COUNT, SPEAKERS, OWN_MESSAGE, OWN_MESSAGES, MATCHES),
        *(MESSAGE_ITEMS, LASTING_ITEMS, EXPIRING_ITEMS),
    }
)
TEXTS = SESSION_LISTS | SEARCHES | IN_A_SESSION | {DELETED_SESSIONS, LEDGER}


def messages_from(session_id: str, *, sequence: int) -> Query:
    """The messages with that sequence and higher ones, in order."""
    return Query(MESSAGES_FROM, {"session_id": session_id, "sequence": sequence}, session_id)


def messages_before(session_id: str, *, sequence: int) -> Query:
    """The messages with a lower sequence, from the last of them downwards."""
    return Query(MESSAGES_BEFORE, {"session_id": session_id, "sequence": sequence}, session_id)


def last_message(session_id: str) -> Query:
    """Id and sequence of the message with the highest one."""
    return Query(LAST_MESSAGE, {"session_id": session_id}, session_id)


def message_count(session_id: str) -> Query:
    """How many messages the session has."""
    return Query(MESSAGE_COUNT, {"session_id": session_id}, session_id)


def speakers(session_id: str) -> Query:
    """Who spoke when, in order, without the texts."""
    return Query(SPEAKERS, {"session_id": session_id}, session_id)


def own_messages(session_id: str, message_ids: Sequence[str], *, sequence: int) -> Query:
    """The messages with one of the ids, and those with the next `LOOK_AHEAD` numbers from `sequence` on."""
    values: Values = {"session_id": session_id, "sequence": sequence, "until": sequence + LOOK_AHEAD}
    if len(message_ids) == 1:
        return Query(OWN_MESSAGE, values | {"message_id": message_ids[0]}, session_id)
    return Query(OWN_MESSAGES, values | {"message_ids": list(message_ids)}, session_id)


def matches(session_id: str, terms: Sequence[Term]) -> Query:
    """The messages of a session that may match, in order."""
    return Query(MATCHES, {"session_id": session_id, **_term_values(terms)}, session_id)


def message_items(session_id: str) -> Query:
    """All messages of a session, by id only."""
    return Query(MESSAGE_ITEMS, {"session_id": session_id}, session_id)


def lasting_items(session_id: str) -> Query:
    """The messages of a session that do not expire."""
    return Query(LASTING_ITEMS, {"session_id": session_id}, session_id)


def expiring_items(session_id: str, *, ttl: int) -> Query:
    """The messages of a session that expire after just that many seconds."""
    return Query(EXPIRING_ITEMS, {"session_id": session_id, "ttl": ttl}, session_id)


def ledger(partition: str, *, since: date, until: date) -> Query:
    """The days of a month's ledger from `since` up to, but not including, `until`."""
    return Query(LEDGER, {"session_id": partition, "since": since.isoformat(), "until": until.isoformat()}, partition)


def deleted_sessions(*, before: datetime) -> Query:
    """The sessions that were deleted before that time and are still there."""
    return Query(DELETED_SESSIONS, {"before": to_timestamp(before)})


def sessions(*, where: SessionFilter, cursor: SessionCursor | None, now: datetime, has_composite_index: bool) -> Query:
    """Sessions that may be asked for, newest first, or, before a cursor, oldest first; the nearest to it come first.

    Without the composite index, equal times come in no particular order.
    """
    pieces: list[Piece] = [(_SESSIONS, {}), *_session_conditions(where, now)]
    is_backwards = cursor is not None and cursor.is_backwards
    if cursor is not None:
        pieces.append((_NEWER if is_backwards else _OLDER, {"at": cursor.created_at, "id": cursor.session_id}))
    pieces.append((_OLDEST_FIRST if is_backwards else _NEWEST_FIRST, {}))
    if has_composite_index:
        pieces.append((_TIES_UP if is_backwards else _TIES_DOWN, {}))
    return _joined(pieces)


def candidates(
    query: SearchQuery, *, session_ids: Sequence[str] | None, after: tuple[str, str] | None, has_composite_index: bool
) -> Query:
    """What may match a search, the latest first: remarks, and sessions for their title and task.

    Args:
        session_ids: look only in these.
        after: timestamp and id of the last candidate looked at.
    """
    pieces: list[Piece] = [(_CANDIDATES, _term_values(query.terms))]
    if query.agents:
        pieces.append((_ANY_AGENT, {"agents": list(query.agents)}))
    if query.since is not None or query.until is not None:
        pieces.append((_SAID_IN, _window(query.since, query.until)))
    if session_ids is not None:
        pieces.append((_SOME_SESSIONS, {"sessions": list(session_ids)}))
    if after is not None:
        pieces.append((_SAID_BEFORE, {"at": after[0], "id": after[1]}))
    return _joined([*pieces, (_LATEST_FIRST, {}), (_TIES_DOWN if has_composite_index else "", {})])


def _joined(pieces: Iterable[Piece]) -> Query:
    text = ""
    values: Values = {}
    for piece, its_values in pieces:
        text, values = text + piece, values | its_values
    return Query(text, values)


def _session_conditions(where: SessionFilter, now: datetime) -> Iterable[Piece]:
    if where.states:
        yield _states(where.states, silent_since=to_timestamp(now - limits.STALLED_AFTER))
    if where.agents:
        yield _EACH_AGENT, _slots("agent", where.agents)
    if where.tags:
        yield _EACH_TAG, _slots("tag", where.tags)
    if where.since is not None or where.until is not None:
        yield _BEGAN if where.must_begin_since else _OVERLAP, _window(where.since, where.until)
    if where.terms:
        yield _HEADLINE, _term_slots(where.terms)


def _states(states: frozenset[SessionState], *, silent_since: str) -> Piece:
    active = {SessionState.RUNNING, SessionState.STALLED}
    statuses = sorted(state.value for state in states - active) + [SessionStatus.ACTIVE.value] * bool(states & active)
    if states == {SessionState.RUNNING}:
        return _STATES + _HEARD_OF, {"statuses": statuses, "silent_since": silent_since}
    return _STATES, {"statuses": statuses}


def _window(since: datetime | None, until: datetime | None) -> Values:
    # Stored times begin with a digit: none is below '', none above '~'.
    return {
        "since": "" if since is None else to_timestamp(max(since, _BEGINNING) - _LOCAL_TIME),
        "until": "~" if until is None else to_timestamp(min(until, _END) + _LOCAL_TIME),
    }


def _term_values(terms: Sequence[Term]) -> Values:
    longest = max(terms, key=lambda term: len(term.text))
    # In the seed's text a line may end between two words.
    return _term_slots(terms) | {"raw": max(longest.text.split(), key=len)}


def _term_slots(terms: Sequence[Term]) -> Values:
    return _slots("term", sorted((term.text for term in terms), key=len, reverse=True))


def _slots(name: str, values: Sequence[str]) -> Values:
    return {f"{name}{slot}": values[min(slot, len(values) - 1)] for slot in range(SLOTS)}
