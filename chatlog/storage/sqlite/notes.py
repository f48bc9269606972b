"""What a mirror keeps beside the discussions, in the same file, so that both are committed together."""

from __future__ import annotations

import apsw

from chatlog.storage.sqlite import queries


def prepare_notes(connection: apsw.Connection) -> None:
    """Make their table, if it is not there."""
    connection.execute(queries.CREATE_NOTES)


def read_notes(connection: apsw.Connection) -> dict[str, str]:
    """All of them, by their names."""
    return {str(name): str(value) for name, value in connection.execute(queries.SELECT_NOTES)}


def keep_note(connection: apsw.Connection, name: str, value: str) -> None:
    """Keep a note, in the place of the one of that name."""
    connection.execute(queries.KEEP_NOTE, (name, value))
