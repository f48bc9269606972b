"""The queue on disk: what waits for a site, in its order, and what the site refused. One file for each site and folder.

Several processes may use one file. It is made when something has to wait for the first time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import apsw

from chatlog.client import outbox_queries as queries
from chatlog.client.entries import Backlog, Batch, Entry, EntryKind, QueueLimits, RefusedEntry
from chatlog.client.wire import MAX_BODY_BYTES
from chatlog.domain.clock import parse_timestamp, to_timestamp, utc_now
from chatlog.domain.models import Session
from chatlog.errors import IdempotencyConflict, SessionExists, StorageCorrupt
from chatlog.storage.documents import session_from_document, session_to_document
from chatlog.storage.sqlite.connection import open_connection, translated_errors
from chatlog.storage.sqlite.kept_connection import KeptConnection

_TABLES = files(__package__) / "outbox.sql"
_VERSION = 1
# A file with less room to give back is left alone: it would only have to grow again.
WORTH_GIVING_BACK = 4 * 1024 * 1024


class Outbox:
    """A file of SQLite (WAL, `synchronous=FULL`): what `put` has taken survives a crash and a power cut.

    Every method may raise a `StorageError`. It belongs to the thread that uses it.
    """

    def __init__(self, path: Path, limits: QueueLimits) -> None:
        self.path = path
        self._limits = limits
        self._kept = KeptConnection(lambda: open_connection(path, prepare=_prepare))

    @property
    def is_there(self) -> bool:
        """Whether anything had to wait so far, in any process."""
        return self._kept.is_open or self.path.exists()

    def is_waiting(self, *, but: AbstractSet[str] = frozenset()) -> bool:
        """Whether anything has to be sent before something new may be, in another session than those."""
        return self.find_front(but=but) is not None

    def find_front(self, *, but: AbstractSet[str] = frozenset()) -> int | None:
        """The number of the oldest that waits, in another session than those. It only grows, as what waits is sent."""
        if not self.is_there:
            return None
        with self._reading() as connection:
            oldest = _find_oldest(connection, but)
        return None if oldest is None else oldest[0]

    def count(self) -> Backlog:
        """How much waits, and how much was refused."""
        if not self.is_there:
            return Backlog()
        with self._reading() as connection:
            return _count(connection)

    def put(self, entries: Sequence[Entry], *, view: Session | None) -> bool:
        """Append the entries, all or none; returns whether there was room. A message that waits already is not put twice.

        Args:
            view: how their session looks from here; kept as long as something waits for it.
        Raises:
            SessionExists: their session may not begin, so nothing may be said in it.
            IdempotencyConflict: a message of that id waits already, with another source or content.
        """
        session_id, kind = entries[0].session_id, entries[0].kind
        with self._writing() as connection:
            # Asked in this transaction, for another process may just have been told so by the site.
            if kind is not EntryKind.BEGIN and connection.execute(queries.IS_BEGIN_REFUSED, (session_id,)).get:
                raise SessionExists(session_id)
            if not self._has_room(connection, entries):
                return False
            for entry in entries:
                row = (entry.session_id, entry.kind, entry.message_id, entry.body, entry.size)
                connection.execute(queries.INSERT_ENTRY, row)
                if not connection.changes():
                    _check_is_the_same(connection, entry)
            if view is not None:
                keep = queries.INSERT_VIEW if kind is EntryKind.MESSAGE else queries.REPLACE_VIEW
                connection.execute(keep, (view.session_id, json.dumps(session_to_document(view))))
        return True

    def next_batch(self, *, most: int, but: AbstractSet[str] = frozenset()) -> Batch | None:
        """What is to be sent next: of the session whose entry is the oldest, at most `most` messages that fit one call.

        Args:
            but: sessions to pass over.
        """
        if not self.is_there:
            return None
        with self._reading() as connection:
            oldest = _find_oldest(connection, but)
            if oldest is None:
                return None
            _, session_id, kind = oldest
            rows = list(_take_alike(connection.execute(queries.SELECT_OF_SESSION, (session_id, most)), kind))
        numbers, bodies, message_ids = zip(*rows, strict=True)
        ids = message_ids if kind == EntryKind.MESSAGE else ()
        return Batch(session_id=session_id, kind=EntryKind(kind), numbers=numbers, bodies=bodies, message_ids=ids)

    def remove(self, batch: Batch) -> None:
        """Forget what the site has taken."""
        with self._writing() as connection:
            _delete(connection, batch.session_id, batch.numbers)

    def refuse(self, session_id: str, numbers: Sequence[int], *, reason: str) -> None:
        """Set aside what the site will never take."""
        with self._writing() as connection:
            _set_aside(connection, session_id, numbers, reason=reason)

    def refuse_session(self, session_id: str, *, reason: str) -> int:
        """Set aside everything of a session that the site does not let begin; returns how much that was."""
        with self._writing() as connection:
            numbers = [number for (number,) in connection.execute(queries.SELECT_NUMBERS, (session_id,))]
            _set_aside(connection, session_id, numbers, reason=reason)
        return len(numbers)

    def is_begin_waiting(self, session_id: str) -> bool:
        """Whether the site cannot know that session yet."""
        return self._ask(queries.IS_BEGIN_WAITING, session_id)

    def is_begin_refused(self, session_id: str) -> bool:
        """Whether the site did not let that session begin: its id belongs to another."""
        return self._ask(queries.IS_BEGIN_REFUSED, session_id)

    def find_view(self, session_id: str) -> Session | None:
        """How a session looks that something waits for."""
        if not self.is_there:
            return None
        with self._reading() as connection:
            row: Any = connection.execute(queries.SELECT_VIEW, (session_id,)).fetchone()
        return None if row is None else session_from_document(json.loads(row[0]))

    def list_refused(self, *, after: int, limit: int) -> list[RefusedEntry]:
        """What the site will never take, oldest first, with a number above `after`."""
        if not self.is_there:
            return []
        with self._reading() as connection:
            rows: list[Any] = connection.execute(queries.SELECT_REFUSED, (after, limit)).fetchall()
        return [_read_refused(row) for row in rows]

    def resend(self, numbers: Sequence[int]) -> None:
        """Put what was refused at the end of the queue again; a message whose id waits with other words stays refused."""
        with self._writing() as connection:
            connection.execute(queries.RESEND, (json.dumps(numbers),))
            connection.execute(queries.DELETE_RESENT, (json.dumps(numbers),))

    def forget(self, numbers: Sequence[int]) -> None:
        """Throw away what was refused."""
        with self._writing() as connection:
            connection.execute(queries.DELETE_REFUSED, (json.dumps(numbers),))

    def give_back_space(self) -> None:
        """Make the file smaller, if most of it is empty. Costs as much as what is left in it, which is little then."""
        with self._reading() as connection:
            page = connection.pragma("page_size")
            empty, whole = connection.pragma("freelist_count") * page, connection.pragma("page_count") * page
            if empty < WORTH_GIVING_BACK or empty < whole // 2:
                return
            connection.execute(queries.VACUUM)
            # The file is cut off when the log beside it, which may have grown as large, has been put into it.
            connection.execute(queries.EMPTY_LOG).fetchall()

    def close(self) -> None:
        """Let go of the file. What waits in it stays."""
        self._kept.close()

    def _has_room(self, connection: apsw.Connection, entries: Sequence[Entry]) -> bool:
        held = _count(connection)
        size = held.waiting_bytes + held.refused_bytes + sum(entry.size for entry in entries)
        return held.waiting + held.refused + len(entries) <= self._limits.entries and size <= self._limits.size

    def _ask(self, query: str, *values: str) -> bool:
        """Yes or no; of a queue that was never needed, always no."""
        if not self.is_there:
            return False
        with self._reading() as connection:
            found: int = connection.execute(query, values).get
        return found == 1

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with translated_errors(self.path), self._kept.use() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """In a transaction, which is on the disk when the block is left."""
        with self._reading() as connection:
            connection.execute(queries.BEGIN_WRITING)
            try:
                yield connection
                connection.execute(queries.COMMIT)
            finally:
                if connection.in_transaction:  # something was raised, and SQLite did not undo it by itself
                    connection.execute(queries.ROLLBACK)


def _prepare(connection: apsw.Connection, path: Path) -> None:
    connection.execute(queries.BEGIN_WRITING)  # another process may be making the tables
    version = connection.pragma("user_version")
    if version == 0:
        connection.execute(_TABLES.read_text(encoding="utf-8")).fetchall()
    elif version != _VERSION:
        raise StorageCorrupt(f"The queue {path} was written by another version of chatlog ({version}). Upgrade chatlog.")
    connection.execute(queries.COMMIT)


def _count(connection: apsw.Connection) -> Backlog:
    totals: Any = connection.execute(queries.SELECT_TOTALS).fetchone()
    waiting, waiting_bytes, refused, refused_bytes = totals
    return Backlog(waiting=waiting, waiting_bytes=waiting_bytes, refused=refused, refused_bytes=refused_bytes)


def _find_oldest(connection: apsw.Connection, but: AbstractSet[str]) -> tuple[int, str, str] | None:
    """The number, the session and the kind of the oldest entry, those sessions left out."""
    query, values = (queries.SELECT_OLDEST_BUT, (json.dumps([*but]),)) if but else (queries.SELECT_OLDEST, ())
    oldest: tuple[int, str, str] | None = connection.execute(query, values).fetchone()
    return oldest


def _take_alike(rows: Any, kind: str) -> Iterator[tuple[int, str, str]]:
    """Messages as long as they fit one call, or one entry of another kind."""
    size = 2  # of the brackets
    for number, row_kind, message_id, body, row_size in rows:
        size += row_size
        if row_kind != kind or (size > MAX_BODY_BYTES and size != 2 + row_size):
            return
        yield number, body, message_id
        if kind != EntryKind.MESSAGE:
            return


def _set_aside(connection: apsw.Connection, session_id: str, numbers: Sequence[int], *, reason: str) -> None:
    connection.execute(queries.REFUSE, (json.dumps(numbers), reason, to_timestamp(utc_now())))
    _delete(connection, session_id, numbers)


def _delete(connection: apsw.Connection, session_id: str, numbers: Sequence[int]) -> None:
    connection.execute(queries.DELETE_WAITING, (json.dumps(numbers),))
    connection.execute(queries.DELETE_VIEW, (session_id,))


def _check_is_the_same(connection: apsw.Connection, entry: Entry) -> None:
    assert entry.message_id is not None
    waiting = json.loads(connection.execute(queries.SELECT_MESSAGE, (entry.session_id, entry.message_id)).get)
    sent = json.loads(entry.body)
    if (waiting["source"], waiting["content"]) != (sent["source"], sent["content"]):
        raise IdempotencyConflict(entry.session_id, entry.message_id)


def _read_refused(row: Any) -> RefusedEntry:
    number, session_id, kind, body, reason, refused_at = row
    return RefusedEntry(
        number=number,
        session_id=session_id,
        kind=EntryKind(kind),
        content=json.loads(body),
        reason=reason,
        refused_at=parse_timestamp(refused_at),
    )
