from __future__ import annotations

import uuid
from datetime import UTC, datetime

from chatlog.domain.ids import check_id, new_message_id, new_session_id


def test_a_session_id_starts_with_its_time_and_cannot_be_guessed() -> None:
    made = {new_session_id(datetime(2026, 11, 23, 14, 30, 22, tzinfo=UTC)) for _ in range(1000)}
    assert len(made) == 1000
    assert all(session_id.startswith("session_20261123_143022_") for session_id in made)
    assert all(check_id(session_id, field="session_id") for session_id in made)


def test_a_message_id_is_a_version_7_uuid_that_sorts_by_time() -> None:
    made = [uuid.UUID(new_message_id()) for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {(made_id.version, made_id.variant) for made_id in made} == {(7, uuid.RFC_4122)}
    milliseconds = [made_id.int >> 80 for made_id in made]
    assert milliseconds == sorted(milliseconds)
