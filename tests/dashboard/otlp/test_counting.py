"""Bodies with very many things in them."""

from __future__ import annotations

import json

import pytest

from chatlog.storage.base import SessionStore
from dashboard.otlp import counting, json_form, protobuf_form
from tests.chatlog.services.spans.making import model, text
from tests.dashboard.otlp.encoding import JSON, PROTOBUF, as_json, as_protobuf
from tests.dashboard.otlp.exporting import export, reason
from tests.dashboard.programs.program import Program


def field(number: int, value: bytes) -> bytes:
    """A field of protobuf that has a length, below 2 MiB."""
    size = len(value)
    length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) if size > 0x7F else bytes([size])
    return bytes([number << 3 | 2]) + length + value


MANY = field(1, b"") * 1_040_000
PARTS = "1,000,000 spans, attributes"


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (field(1, field(2, field(2, b"") * 1_000_000)), PROTOBUF, "100,000 spans"),
        (field(1, field(2, field(2, field(9, b"") * 1_040_000))), PROTOBUF, PARTS),
        (field(1, field(2, field(2, field(9, field(2, field(5, MANY)))))), PROTOBUF, PARTS),
        (field(1, field(2, field(2, field(13, field(4, field(2, field(6, MANY))))))), PROTOBUF, PARTS),
        (field(1, field(1, field(3, field(3, b"") * 1_040_000))), PROTOBUF, PARTS),
        (field(1, b"\x0b\x0c" + field(1, MANY)), PROTOBUF, PARTS),
        (b'{"resourceSpans": [' + b"{}," * 1_100_000 + b"{}]}", JSON, "2,000,000 values"),
        (b'{"resourceSpans": [' + b"[]," * 1_100_000 + b"[]]}", JSON, "2,000,000 values"),
        (b'{"resourceSpans": [' + b"7," * 2_100_000 + b"7]}", JSON, "2,000,000 values"),
        (('{"\u2200\\\\\\"": [' + "7," * 2_100_000 + "7]}").encode("utf-16"), JSON, "2,000,000 values"),
    ],
    ids=["spans", "attributes", "array", "map", "entity", "after a group", "objects", "lists", "numbers", "UTF-16"],
)
async def test_a_body_of_countless_empty_things_is_refused_before_any_is_made(
    program: Program, body: bytes, kind: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form, name in ((json_form, "read_json"), (protobuf_form, "ExportTraceServiceRequest")):
        monkeypatch.setattr(form, name, None)
    answer = await export(program, body, kind)
    assert (answer.status, word in reason(answer)) == (413, True)


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x0a", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b", b"\x0d\x01", b"\x08\x01\x01"]
)
async def test_a_large_body_that_is_no_protobuf_is_400(program: Program, body: bytes) -> None:
    assert (await export(program, body + b"\xff" * 2_000_000, PROTOBUF)).status == 400


async def test_a_large_request_of_real_spans_is_taken(program: Program, store: SessionStore) -> None:
    many = [model(text("assistant", f"{number}" + "空" * 20_000)) for number in range(20)]
    for encode, kind in ((as_protobuf, PROTOBUF), (as_json, JSON)):
        body = encode(*many)
        assert len(body) > counting.SMALL_BYTES
        assert (await export(program, body, kind)).status == 200
    assert await store.get_last_sequence("talk") == len(many)


async def test_a_text_may_have_any_number_of_commas_and_brackets(
    program: Program, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MAX_JSON_VALUES", 10_000)
    vectors = json.dumps(['"\\', *range(10)] * 300)
    many = [model(text("assistant", f"{number} {vectors * 4}")) for number in range(20)]
    body = as_json(*many)
    assert len(body) > counting.SMALL_BYTES
    assert body.count(b",") > counting.MAX_JSON_VALUES
    assert (await export(program, body, JSON)).status == 200
    assert await store.get_last_sequence("talk") == len(many)


async def test_a_large_request_that_is_nested_without_end_is_400(program: Program) -> None:
    value = b"x" * counting.SMALL_BYTES
    for _ in range(60):
        value = field(5, field(1, value))
    answer = await export(program, field(1, field(2, field(2, field(9, field(2, value))))), PROTOBUF)
    assert (answer.status, "100 levels" in reason(answer)) == (400, True)
