"""Removing deleted sessions for good, in transactions so small that nobody's save waits long."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import apsw

from chatlog.domain.clock import to_timestamp
from chatlog.storage.sqlite import queries, rows
from chatlog.storage.sqlite.writer import GroupCommitWriter

_MESSAGES_AT_ONCE = 250


async def purge_deleted(writer: GroupCommitWriter, *, before: datetime) -> int:
    """Remove what was deleted before that time, and what an earlier purge did not get to. Returns how many."""
    await writer.run(partial(_mark, before=before))
    marked = await writer.run(_list_marked)
    for rowid, last_sequence in marked:
        for first in range(0, last_sequence + 1, _MESSAGES_AT_ONCE):
            await writer.run(partial(_remove_messages, start=rows.place_of(rowid, first)))
        await writer.run(partial(_remove_session, rowid=rowid))
    return len(marked)


def _mark(connection: apsw.Connection, *, before: datetime) -> None:
    """From now on nobody can write to them or restore them: half of a session must never come back."""
    connection.execute(queries.MARK_FOR_PURGE, (to_timestamp(before),))


def _list_marked(connection: apsw.Connection) -> list[tuple[int, int]]:
    marked: list[Any] = connection.execute(queries.SELECT_MARKED).fetchall()
    return marked


def _remove_messages(connection: apsw.Connection, *, start: int) -> None:
    stretch = (start, start + _MESSAGES_AT_ONCE - 1)
    connection.execute(queries.PURGE_INDEX, stretch)
    connection.execute(queries.PURGE_MESSAGES, stretch)


def _remove_session(connection: apsw.Connection, *, rowid: int) -> None:
    connection.execute(queries.PURGE_SESSION, (rowid,))
