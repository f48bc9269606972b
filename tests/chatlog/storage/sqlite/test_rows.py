"""The order of rows is the order of time, and there is a row for everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatlog.errors import InvalidNumber
from chatlog.storage.sqlite import messages, rows, sessions
from chatlog.storage.sqlite.connection import open_connection
from tests.factories import make_draft, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_later_session_has_a_higher_row() -> None:
    times = [datetime(1, 1, 1, tzinfo=UTC), NOON, NOON + timedelta(seconds=0.01), datetime(9999, 12, 31, tzinfo=UTC)]
    ids = [rows.session_rowid(time) for time in times]
    assert ids == sorted(set(ids))
    assert (ids[0], ids[-1]) == (0, rows.MAX_SESSION_ROWID)
    assert rows.place_of(rows.MAX_SESSION_ROWID, rows.MAX_SEQUENCE) == 2**63 - 1


@pytest.mark.parametrize("moment", [NOON, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_thousands_of_sessions_of_one_moment_find_their_rows_in_a_few_tries(tmp_path: Path, moment: datetime) -> None:
    connection = open_connection(tmp_path / "c.sqlite3")
    tries = 0

    def count(*_: object) -> bool:
        nonlocal tries
        tries += 1
        return True

    connection.execute("BEGIN")
    connection.exec_trace = count
    for number in range(3_000):
        sessions.insert_session(connection, make_session(session_id=f"s{number}", created_at=moment))
    connection.exec_trace = None
    connection.execute("COMMIT")
    assert tries < 3_000 * 2 * 3  # a look for its id, an insert, and one or two looks for its row
    ((lowest, highest),) = connection.execute("SELECT min(id), max(id) FROM sessions")
    assert highest - lowest < 10 * 6_000  # ten minutes
    connection.close()


def test_a_session_that_is_full_says_so(tmp_path: Path) -> None:
    connection = open_connection(tmp_path / "c.sqlite3")
    session = sessions.insert_session(connection, make_session())
    connection.execute("UPDATE sessions SET message_count = ?", (rows.MAX_SEQUENCE - 1,))
    assert messages.append_messages(connection, session.session_id, [make_draft()])[0].sequence == rows.MAX_SEQUENCE
    with pytest.raises(InvalidNumber, match="16777216 is past 16777215"):
        messages.append_messages(connection, session.session_id, [make_draft()])
    connection.close()
