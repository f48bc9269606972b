"""The search index follows the saves, at most a second behind, so that saving does not wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import apsw

from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.tokens import index_text

# A save that comes while the index is written waits for so long at most, but for a remark of many thousand words.
MOST_SECONDS = 0.03
_MESSAGES_AT_ONCE = 64

# When nothing came for so long, the index is written at once.
_IDLE_SECONDS = 0.01
# While saves keep coming, it waits until it pays: rows that lie together are written in one go.
_LONGEST_WAIT_SECONDS = 0.5
_ENOUGH_CHANGES = 512
_RETRY_SECONDS = 5.0


class Step(NamedTuple):
    """What one transaction did: how many texts it indexed, and whether that was all that waited."""

    texts: int
    is_all: bool


class Backlog:
    """How long the index has been behind, and when it should catch up. Times are those of `time.monotonic`."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._changes = 0
        self._not_before = 0.0

    def grow(self, changes: int) -> None:
        """Rows have changed; whether they matter to the index shows when it looks."""
        if changes:
            self._since = self._since or time.monotonic()
            self._changes += changes

    def shrink(self, step: Step) -> None:
        """The index has caught up a little, or wholly."""
        self._changes = 0 if step.is_all else max(0, self._changes - step.texts)
        if step.is_all:
            self._since = None

    def postpone(self) -> None:
        """The index could not be written; trying again at once would only keep the disk busy."""
        self._not_before = time.monotonic() + _RETRY_SECONDS

    @property
    def is_waiting(self) -> bool:
        """Whether there may be something to write, and it may be tried."""
        return self._since is not None and time.monotonic() >= self._not_before

    @property
    def patience(self) -> float | None:
        """How many seconds to wait for more saves before the index is written; `None` if there is nothing to write."""
        if self._since is None:
            return None
        now = time.monotonic()
        if now < self._not_before:
            return self._not_before - now
        return max(0.0, min(_IDLE_SECONDS, self._since + _LONGEST_WAIT_SECONDS - now))

    @property
    def is_old(self) -> bool:
        """Whether something has waited so long that the index should be written although saves keep coming."""
        return self.is_waiting and self._since is not None and time.monotonic() >= self._since + _LONGEST_WAIT_SECONDS

    @property
    def is_large(self) -> bool:
        """Whether so much has come that writing it in one go pays, and that more would be hard to catch up with."""
        return self.is_waiting and self._changes >= _ENOUGH_CHANGES


def index_some(connection: apsw.Connection) -> Step:
    """Index what waits, for `MOST_SECONDS`.

    In a transaction of its own that does not wait for the disk: a power cut may take it back, together with the counters that
    say how far the index has got, and then it is done again. What was saved before it stays saved.
    """
    connection.execute(queries.TRUST_DISK)
    try:
        connection.execute(queries.BEGIN_WRITING)
        try:
            step = _index_until(connection, time.monotonic() + MOST_SECONDS)
        except BaseException:  # raised again below
            connection.execute(queries.ROLLBACK)
            raise
        connection.execute(queries.COMMIT)
        return step
    finally:
        connection.execute(queries.WAIT_FOR_DISK)


def _index_until(connection: apsw.Connection, deadline: float) -> Step:
    # Sessions in the order of their rows, for the index holds its rows in memory only as long as their ids go up.
    waiting: list[Any] = connection.execute(queries.SELECT_UNINDEXED).fetchall()
    texts = 0
    for session, indexed, last_sequence, headline in waiting:
        for reached in _index_session(connection, session, indexed, last_sequence, headline):
            if time.monotonic() > deadline:
                connection.execute(queries.SET_INDEXED, (reached, session))
                return Step(texts + reached - indexed, is_all=False)
        connection.execute(queries.SET_INDEXED, (last_sequence, session))
        texts += last_sequence - indexed
    return Step(texts, is_all=len(waiting) < queries.MOST_UNINDEXED)


def _index_session(connection: apsw.Connection, session: int, indexed: int, last_sequence: int, headline: str) -> Iterator[int]:
    """Index what waits of a session, and tell from time to time how far that is."""
    if indexed < 0:
        connection.execute(queries.INSERT_INTO_INDEX, (rows.place_of(session, 0), index_text(headline)))
        indexed = 0
        yield indexed
    end = rows.place_of(session, last_sequence)
    while indexed < last_sequence:
        contents = connection.execute(queries.SELECT_CONTENTS, (rows.place_of(session, indexed), end, _MESSAGES_AT_ONCE))
        tokens = [(place, index_text(content)) for place, content in contents]
        connection.executemany(queries.INSERT_INTO_INDEX, tokens)
        indexed = tokens[-1][0] & rows.MAX_SEQUENCE
        yield indexed
