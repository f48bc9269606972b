"""The stored form, and the seed design's documents, read as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chatlog import SessionStatus
from chatlog.domain.activity import Activity
from chatlog.domain.limits import MAX_ITEM_BYTES
from chatlog.errors import StorageCorrupt
from chatlog.storage.documents import (
    _SURELY_FITTING_CHARACTERS,
    deletion_time,
    encoded_size,
    message_as_document,
    message_from_document,
    message_to_document,
    session_from_document,
    session_to_document,
)
from tests.factories import make_draft, make_session

TOKYO = ZoneInfo("Asia/Tokyo")
SEED_SESSION: dict[str, Any] = {
    "id": "session_20240120_143022",
    "session_id": "session_20240120_143022",
    "type": "session_info",
    "task": "リモートワーク時代の新しいコミュニケーションツール",
    "created_at": "2024-01-20T14:30:22.123456",
    "status": "completed",
    "message_count": 15,
    "participants": ["creative_planner", "market_analyst", "technical_validator", "business_evaluator", "user_advocate"],
}
SEED_MESSAGE: dict[str, Any] = {
    "id": "session_20240120_143022_msg_0001_1705737022123456",
    "session_id": "session_20240120_143022",
    "type": "message",
    "source": "creative_planner",
    "content": "物理的な距離を感じさせない『空間共有型』のツールを提案します...",
    "timestamp": "2024-01-20T14:30:25.123456",
    "sequence": 1,
}
SYSTEM = {"_rid": "x", "_self": "y", "_etag": '"z"', "_attachments": "a", "_ts": 1}


def test_a_seed_session_is_read() -> None:
    session = session_from_document(SEED_SESSION | SYSTEM, naive_zone=TOKYO)
    assert session.created_at == datetime(2024, 1, 20, 5, 30, 22, 123456, UTC)
    assert (session.status, session.message_count, len(session.participants)) == (SessionStatus.COMPLETED, 15, 5)
    assert (session.updated_at, session.last_message_at, session.extra) == (session.created_at, None, {})


def test_a_seed_message_is_read() -> None:
    message = message_from_document(SEED_MESSAGE | SYSTEM, naive_zone=TOKYO)
    assert (message.sequence, message.kind, message.message_id) == (1, "text", SEED_MESSAGE["id"])
    assert message.timestamp == datetime(2024, 1, 20, 5, 30, 25, 123456, UTC)


def test_unknown_fields_are_kept_and_written_back() -> None:
    message = message_from_document(SEED_MESSAGE | {"sentiment": {"joy": 0.9}})
    assert message_as_document(message)["sentiment"] == {"joy": 0.9}
    session = session_from_document(SEED_SESSION | {"team": "blue"})
    assert session_to_document(session)["team"] == "blue"


def test_what_is_written_is_read_back() -> None:
    session = make_session(tags=["a"], title="t", metadata={"x": [1]})
    assert session_from_document(session_to_document(session)) == session
    document = message_to_document(make_draft(models_usage={"prompt_tokens": 1}), session_id="s", sequence=7)
    assert message_as_document(message_from_document(document)) == document
    assert document["id"] == "s_msg_0007"


def test_a_message_is_stored_with_its_length_in_characters_as_python_counts_them() -> None:
    document = message_to_document(make_draft(content="空間😀👨‍👩‍👧"), session_id="s", sequence=1)
    assert document["letters"] == 8
    assert message_from_document(document).extra == {}


def test_a_session_is_stored_with_what_it_is_searched_and_ordered_by() -> None:
    session = make_session(title="Ｃａｆé", task="空間\nを  共有")
    document = session_to_document(session)
    assert document["search_text"] == session.headline_form == "cafe 空間 を 共有"
    assert document["timestamp"] == document["created_at"]
    assert session_to_document(replace(session, title=None))["search_text"] == "空間 を 共有"


def test_activity_is_kept_and_may_be_missing() -> None:
    session = replace(make_session(), activity=Activity(timedelta(seconds=64), (3, 0, 1)))
    document = session_to_document(session)
    assert document["activity"] == {"width": 64, "counts": [3, 0, 1]}
    assert session_from_document(document) == session
    assert session_from_document(SEED_SESSION).activity == Activity()
    for damaged in ([], {}, {"width": "x", "counts": []}, {"width": 1, "counts": ["x"]}, 7):
        with pytest.raises(StorageCorrupt, match="'activity'"):
            session_from_document(document | {"activity": damaged})


def test_what_marks_a_deleted_session_is_no_part_of_it() -> None:
    document = session_to_document(make_session())
    marked = document | {"deleted_at": "2026-11-23T12:00:00.000000Z", "ttl": 600}
    assert deletion_time(marked) == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert deletion_time(document) is None
    assert session_from_document(marked) == session_from_document(document)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"timestamp": "soon"}, "timestamp"),
        ({"sequence": 0}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"content": None}, "content"),
    ],
)
def test_a_damaged_document_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(StorageCorrupt, match=f"{SEED_MESSAGE['id']}.*'{named}'"):
        message_from_document(SEED_MESSAGE | change)
    with pytest.raises(StorageCorrupt, match="status"):
        session_from_document(SEED_SESSION | {"status": "unheard of"})


@pytest.mark.parametrize("worst", ["\ufdfa", "\x1f", "\U0001f600", "\u3395"])
def test_what_is_not_measured_surely_fits(worst: str) -> None:
    """The short cut past measuring must hold for the characters that grow most."""
    draft = make_draft(
        source="\ufdfa" * 255,
        kind="\x1f" * 63 + "a",
        content="a" + worst * (_SURELY_FITTING_CHARACTERS - 2),
        message_id="\U0001f600" * 240,
    )
    document = message_as_document(message_from_document(message_to_document(draft, session_id="x" * 255, sequence=2**53 - 1)))
    assert encoded_size(document) <= MAX_ITEM_BYTES
