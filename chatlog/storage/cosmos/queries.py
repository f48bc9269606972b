"""The only Cosmos DB SQL: a finite set of texts. Values travel as parameters, never inside a text.

Each partition query names the key in its text too, which costs nothing and makes it independent of headers. No cross-partition
query aggregates, because the SDK refuses aggregates with names across partitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatlog.domain.clock import to_timestamp
from chatlog.storage.cursors import SessionCursor

# A writer that is further behind than this looks several times, each time for an answer of a bounded size.
LOOK_AHEAD = 256


@dataclass(frozen=True, slots=True)
class Query:
    """A text of this module and its values.

    Attributes:
        partition: the session whose partition answers, or `None` for all of them.
    """

    text: str
    values: dict[str, Any]
    partition: str | None = None

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The values in the form the service wants."""
        return [{"name": f"@{name}", "value": value} for name, value in self.values.items()]


# The lower bound leaves out what has no number: ORDER BY alone would not.
_MESSAGES = "FROM c WHERE c.session_id = @session_id AND c.type = 'message' AND c.sequence >= 1"

MESSAGES_FROM = f"SELECT * {_MESSAGES} AND c.sequence >= @sequence ORDER BY c.sequence"
LAST_MESSAGE = f"SELECT TOP 1 c.id, c.sequence {_MESSAGES} ORDER BY c.sequence DESC"
MESSAGE_COUNT = f"SELECT COUNT(1) AS messages {_MESSAGES}"
SPEAKERS = f"SELECT c.id, c.sequence, c.source, c.timestamp {_MESSAGES} ORDER BY c.sequence"
# What a writer has to know after a clash or a lost reply: its own messages, and the numbers taken since. An equality is sure
# to be looked up in the index, which a save into a container without the unique key does each time.
_TAKEN = "(c.sequence >= @sequence AND c.sequence < @until)"
OWN_MESSAGE = f"SELECT * {_MESSAGES} AND (c.message_id = @message_id OR {_TAKEN})"
OWN_MESSAGES = f"SELECT * {_MESSAGES} AND (ARRAY_CONTAINS(@message_ids, c.message_id) OR {_TAKEN})"

# Only texts are above ''. What has no time is left out, as the composite index does; the SDK cannot merge it with the rest.
_SESSIONS = "SELECT * FROM c WHERE c.type = 'session_info' AND c.created_at > ''"
_BEFORE = " AND (c.created_at < @created_at OR (c.created_at = @created_at AND c.id < @id))"
# `??` would not do: it replaces what is missing, and a session that nobody spoke in has a null.
_RUNNING = (
    " AND c.status = 'active' AND (c.last_message_at >= @since"
    " OR ((NOT IS_DEFINED(c.last_message_at) OR IS_NULL(c.last_message_at)) AND c.created_at >= @since))"
)
_NEWEST = " ORDER BY c.created_at DESC, c.id DESC"
_NEWEST_WITHOUT_COMPOSITE_INDEX = " ORDER BY c.created_at DESC"

SESSION_LISTS = frozenset(
    _SESSIONS + running + before + order
    for running in ("", _RUNNING)
    for before in ("", _BEFORE)
    for order in (_NEWEST, _NEWEST_WITHOUT_COMPOSITE_INDEX)
)
TEXTS = SESSION_LISTS | {MESSAGES_FROM, LAST_MESSAGE, MESSAGE_COUNT, SPEAKERS, OWN_MESSAGE, OWN_MESSAGES}


def messages_from(session_id: str, *, sequence: int) -> Query:
    """The messages with that sequence and higher ones, in order."""
    return Query(MESSAGES_FROM, {"session_id": session_id, "sequence": sequence}, session_id)


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
    values: dict[str, Any] = {"session_id": session_id, "sequence": sequence, "until": sequence + LOOK_AHEAD}
    if len(message_ids) == 1:
        return Query(OWN_MESSAGE, values | {"message_id": message_ids[0]}, session_id)
    return Query(OWN_MESSAGES, values | {"message_ids": list(message_ids)}, session_id)


def sessions(*, before: SessionCursor | None, running_since: datetime | None, has_composite_index: bool) -> Query:
    """Sessions of all partitions, newest first; without the composite index, equal times come in no particular order."""
    text, values = _SESSIONS, {}
    if running_since is not None:
        text, values = text + _RUNNING, {"since": to_timestamp(running_since)}
    if before is not None:
        text, values = text + _BEFORE, values | {"created_at": before.created_at, "id": before.session_id}
    return Query(text + (_NEWEST if has_composite_index else _NEWEST_WITHOUT_COMPOSITE_INDEX), values)
