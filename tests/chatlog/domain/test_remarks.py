"""What becomes of what a framework says and no store takes as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chatlog import MessageKind
from chatlog.domain import remarks


def a_draft(**overrides: Any) -> Any:
    values = {"framework": "f", "type_": "t", "said_id": None, "source": "a", "text": "x", "kind": MessageKind.TEXT}
    return remarks.draft(**{**values, **overrides})


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("models_usage", {"prompt_tokens": float("nan")}, "JSON"),
        ("models_usage", {"prompt_tokens": 2**60}, "2**53"),
        ("models_usage", 3, "JSON object"),
        ("kind", "x" * 65, "limit is 64"),
        ("kind", "\x00", "no store can keep"),
        ("timestamp", datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "years 1 to 9999"),
    ],
)
def test_what_a_remark_can_do_without_is_left_out_and_told(field: str, value: Any, reason: str) -> None:
    draft = a_draft(**{field: value})
    assert (draft.source, draft.content) == ("a", "x")
    assert reason in draft.metadata["left_out"][field]
    assert draft.metadata["f_type"] == "t"


def test_several_things_may_be_left_out_of_one_remark() -> None:
    draft = a_draft(models_usage=3, kind="")
    assert set(draft.metadata["left_out"]) == {"models_usage", "kind"}
    assert (draft.kind, draft.models_usage) == (MessageKind.TEXT, None)


def test_a_note_that_is_no_json_is_kept_as_text_and_its_neighbours_as_they_are() -> None:
    draft = a_draft(notes={"tool": "look\x00", "bytes": b"x", "nested": {"a": [1]}, "number": float("inf"), "big": "y" * 5_000})
    replaced = "look\N{REPLACEMENT CHARACTER}"
    kept = {"tool": replaced, "bytes": "b'x'", "nested": {"a": [1]}, "number": "inf", "big": "y" * 5_000, "f_type": "t"}
    assert dict(draft.metadata) == kept


def test_an_id_that_is_none_is_kept_in_short_and_replaced() -> None:
    draft = a_draft(said_id="x" * 3_000_000)
    assert draft.metadata["f_id"] == "x" * remarks.MAX_NOTE_CHARACTERS
    assert draft.message_id != a_draft(said_id="x" * 3_000_000).message_id


def test_a_naive_time_is_taken_for_utc() -> None:
    assert a_draft(timestamp=datetime(2026, 1, 2, 3, 4)).timestamp == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)  # noqa: DTZ001


def test_a_name_that_ends_in_a_space_where_it_is_cut_can_be_stored() -> None:
    assert a_draft(source="n" * 254 + " more").source == "n" * 254


def test_arguments_nested_too_deep_to_be_read_stay_as_the_model_wrote_them() -> None:
    deep = "[" * 100_000
    assert deep in remarks.call("look", deep)


@pytest.mark.parametrize(
    ("prompt", "completion", "told"),
    [(1, 2, {"prompt_tokens": 1, "completion_tokens": 2}), (1, "many", {"prompt_tokens": 1}), (None, None, None)],
)
def test_tokens_are_numbers(prompt: object, completion: object, told: dict[str, int] | None) -> None:
    assert remarks.tokens(prompt, completion) == told
