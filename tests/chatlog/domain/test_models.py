from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatlog import InvalidInput, MessageDraft, SessionStatus, replace_unstorable
from chatlog.domain.text import search_form
from tests.factories import make_draft, make_session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("content", "", "empty"),
        ("content", " \n\t", "empty"),
        ("content", "a\x00b", "position 1"),
        ("content", "a\ud83d", "position 1"),
        ("content", None, "must be text"),
        ("content", b"bytes", "must be text"),
        ("source", "", "empty"),
        ("source", "x" * 256, "limit is 255"),
        ("message_id", "a/b", "position 1"),
        ("kind", "x" * 65, "limit is 64"),
        ("timestamp", "2026-11-23T12:00:00", "time zone"),
        ("metadata", [1], "JSON object"),
        ("metadata", {"x": float("nan")}, "JSON"),
        ("metadata", {"x": b"1"}, "JSON"),
        ("metadata", {"x": 2**53}, "2**53"),
        ("metadata", {"x": "\x00"}, "NUL"),
        ("metadata", {"x": "\\\x00"}, "NUL"),
        ("metadata", {"x": "\udc00"}, "position"),
        ("metadata", nested(100_000), "JSON"),
        ("models_usage", {"prompt_tokens": 10**400}, "2**53"),
    ],
)
def test_what_no_store_would_keep_is_refused_by_name(field: str, value: object, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_draft(**{field: value})
    assert refused.value.field == field
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_draft_keeps_its_id_and_gives_each_its_own() -> None:
    one, other = MessageDraft(source="a", content="b"), MessageDraft(source="a", content="b")
    assert one.message_id != other.message_id


def test_unstorable_characters_can_be_replaced() -> None:
    assert make_draft(content=replace_unstorable("a\x00b\ud83dc")).content == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("one", "other"), [("ｶﾌﾞｼｷ ＡＩ", "カブシキ ai"), ("Straße", "STRASSE"), ("か\u3099", "が"), ("①㌔", "1キロ")]
)
def test_width_case_and_combining_marks_do_not_matter_in_search(one: str, other: str) -> None:
    assert search_form(one) == search_form(other)


def test_an_active_session_that_is_silent_for_five_minutes_is_stalled() -> None:
    session = make_session(created_at=NOON)
    assert not session.is_stalled(NOON + timedelta(minutes=5))
    assert session.is_stalled(NOON + timedelta(minutes=5, microseconds=1))
    assert session.silence(NOON - timedelta(hours=1)) == timedelta(0)


def test_an_ended_session_never_stalls() -> None:
    from dataclasses import replace

    ended = replace(make_session(created_at=NOON), status=SessionStatus.COMPLETED)
    assert not ended.is_stalled(NOON + timedelta(days=1))


@pytest.mark.parametrize("written", ["\\u0000", '["\\u0000"]', "\\\\u0000"])
def test_a_nul_that_is_only_written_down_as_json_is_kept(written: str) -> None:
    assert make_draft(metadata={"given": written}).metadata == {"given": written}
