"""What exporters send and what they are answered, in both encodings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.errors import StorageUnavailable
from chatlog.services.spans.span import Span, SpanEvent
from chatlog.storage.base import SessionStore
from dashboard import signals
from dashboard.otlp import bodies, json_form, protobuf_form
from dashboard.programs import throttle
from dashboard.stores import get_store
from tests.chatlog.services.spans.making import model, text
from tests.dashboard.otlp.encoding import JSON, PROTOBUF, as_json, as_protobuf
from tests.dashboard.otlp.exporting import TRACES, export, partial, reason
from tests.dashboard.programs.program import Program

SAID = model(text("assistant", "Tokori."), heard=[text("user", "A name?")])
ENCODINGS: list[tuple[str, Callable[..., bytes]]] = [(PROTOBUF, as_protobuf), (JSON, as_json)]
both = pytest.mark.parametrize(("kind", "encode"), ENCODINGS, ids=["protobuf", "JSON"])


async def told(store: SessionStore) -> list[tuple[str, str]]:
    return [(message.source, message.content) for message in await store.list_messages("talk")]


@both
async def test_what_is_accepted_is_stored_and_answered_in_the_encoding_of_the_request(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes]
) -> None:
    for _ in range(2):  # sent again after a lost answer
        answer = await export(program, encode(SAID), f"{kind}")
        assert (answer.status, partial(answer), answer.body in {b"", b"{}"}) == (200, (0, ""), True)
    assert await told(store) == [("user", "A name?"), ("analyst", "Tokori.")]


@both
async def test_compressed_bodies_are_taken(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes]
) -> None:
    other = replace(SAID, attributes=SAID.attributes | {"gen_ai.conversation.id": "other"})
    assert (await export(program, gzip.compress(encode(SAID)), kind, content_encoding="gzip")).status == 200
    assert (await export(program, zlib.compress(encode(other)), kind, content_encoding="deflate")).status == 200
    assert len(await told(store)) == len(await store.list_messages("other")) == 2


async def test_a_compressed_body_may_be_in_a_few_pieces(program: Program, store: SessionStore) -> None:
    body = as_json(SAID).ljust(bodies.MAX_PIECES * 1_000)
    pieces = [gzip.compress(body[at : at + 1_000]) for at in range(0, len(body), 1_000)]
    assert len(pieces) == bodies.MAX_PIECES
    assert (await export(program, b"".join(pieces), JSON, content_encoding="gzip")).status == 200
    assert len(await told(store)) == 2


async def test_a_content_type_may_have_parameters_and_the_scheme_of_a_token_any_letters(
    program: Program, store: SessionStore
) -> None:
    answer = await program.send(
        "POST", TRACES, as_json(SAID), content_type="application/json; charset=utf-8", authorization=f"bearer {program.token}"
    )
    assert (answer.status, len(await told(store))) == (200, 2)


@both
async def test_spans_that_are_refused_are_counted_and_the_others_are_stored(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes]
) -> None:
    nameless = Span(trace_id="", span_id="", name="chat")
    answer = await export(program, encode(nameless, SAID, nameless), kind)
    assert (answer.status, partial(answer)[0], len(await told(store))) == (200, 2, 2)
    assert "no ids" in partial(answer)[1]


@both
async def test_a_span_that_says_something_else_than_before_is_refused_told_and_logged(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(model(text("assistant", "Another."), heard=[text("user", "A name?")]), span_id=SAID.span_id)
    await export(program, encode(SAID), kind)
    for _ in range(2):
        answer = await export(program, encode(other, SAID, model(text("assistant", "Next."), start=9)), kind)
        refused, why = partial(answer)
        assert (answer.status, refused) == (200, 1)
        assert f"{SAID.trace_id}.{SAID.span_id}.0" in why
        assert f"1 of 3 spans were refused: {why}" in caplog.text
    assert (await told(store))[:2] == [("user", "A name?"), ("analyst", "Tokori.")]
    assert partial(await export(program, encode(SAID), kind)) == (0, "")


@both
async def test_a_request_without_spans_is_a_success(program: Program, kind: str, encode: Callable[..., bytes]) -> None:
    assert (await export(program, encode(), kind)).status == 200


async def test_whoever_watches_is_told(program: Program, store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    notified: list[str] = []
    monkeypatch.setattr(signals.ChannelSignals, "notify", lambda _, session_id: notified.append(session_id))
    await export(program, as_protobuf(SAID), PROTOBUF)
    assert "talk" in notified


DEEP = b'{"resourceSpans": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"


SPAN = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "chat"}


def spans(**values: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [SPAN | values]}]}]}).encode()


@pytest.mark.parametrize(
    ("body", "kind", "headers", "expected"),
    [
        (b"\x0a\xff\xff\xff\xff garbage", PROTOBUF, {}, (400, "protobuf")),
        (b"{", JSON, {}, (400, "JSON")),
        (b"[]", JSON, {}, (400, "object")),
        (b"\xff", JSON, {}, (400, "UTF-8")),
        (DEEP, JSON, {}, (400, "levels deep")),
        (b'{"resourceSpans": {}}', JSON, {}, (400, "resourceSpans")),
        (spans(attributes="x"), JSON, {}, (400, "attributes")),
        (spans(startTimeUnixNano="soon"), JSON, {}, (400, "startTimeUnixNano")),
        (spans(name=7), JSON, {}, (400, "name")),
        (as_json(SAID), PROTOBUF, {}, (400, "protobuf")),
        (as_protobuf(SAID), JSON, {}, (400, "")),
        (b"x", "text/plain", {}, (415, "x-protobuf")),
        (b"x", PROTOBUF, {"content_encoding": "br"}, (415, "gzip")),
        (b"not compressed", PROTOBUF, {"content_encoding": "gzip"}, (400, "gzip")),
        (gzip.compress(as_protobuf(SAID), mtime=0)[:-12], PROTOBUF, {"content_encoding": "gzip"}, (400, "ends before")),
        (gzip.compress(bytes(60_000_000), 1, mtime=0), PROTOBUF, {"content_encoding": "gzip"}, (413, "20971520")),
        (gzip.compress(b"", mtime=0) * (bodies.MAX_PIECES + 1), PROTOBUF, {"content_encoding": "gzip"}, (400, "more than 20")),
        (bytes(21 * 1024 * 1024), JSON, {}, (413, "20971520")),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_body_that_cannot_be_is_refused_with_a_reason(
    program: Program, body: bytes, kind: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = await export(program, body, kind, **headers)
    status, word = expected
    assert (answer.status, word in reason(answer)) == (status, True)
    assert "retry-after" not in answer.headers
    assert not (await get_store().list_sessions()).items


async def test_what_a_later_version_adds_is_passed_over(program: Program, store: SessionStore) -> None:
    body = json.loads(as_json(SAID))
    body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["newerThanThis"] = {"a": [1]}
    assert (await export(program, json.dumps(body).encode(), JSON)).status == 200
    assert len(await told(store)) == 2


@both
async def test_a_token_is_needed_that_may_write(
    make_program: Callable[..., Awaitable[Program]], kind: str, encode: Callable[..., bytes]
) -> None:
    answer = await export(Program(), encode(SAID), kind)
    assert (answer.status, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert "create_token" in reason(answer)
    assert (await export(await make_program(may_write=False), encode(SAID), kind)).status == 403


@both
async def test_what_may_be_sent_again_says_when(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StorageUnavailable("The disk is asleep.")

    with monkeypatch.context() as patched:
        patched.setattr(type(store), "append_messages", fail)
        answer = await export(program, encode(SAID), kind)
        assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True)
        assert reason(answer) == "The disk is asleep."
    with monkeypatch.context() as patched:
        patched.setattr(throttle.Throttle, "take", lambda *_: 2.5)
        answer = await export(program, encode(SAID), kind)
        assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert (await export(program, encode(SAID), kind)).status == 200
    assert len(await told(store)) == 2


@both
async def test_a_fault_of_ours_is_logged_and_not_told(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(type(store), "append_messages", fail)
    answer = await export(program, encode(SAID), kind)
    assert (answer.status, "secret" in reason(answer)) == (500, False)


@both
async def test_other_signals_and_methods_are_refused_in_the_form_of_the_protocol(
    program: Program, kind: str, encode: Callable[..., bytes]
) -> None:
    answer = await program.send("POST", "/v1/logs", b"", content_type=kind)
    assert (answer.status, answer.headers["content-type"]) == (404, kind)
    assert "OTEL_LOGS_EXPORTER" in reason(answer)
    answer = await program.send("GET", TRACES, content_type=kind)
    assert (answer.status, answer.headers["allow"], "POST" in reason(answer)) == (405, "POST", True)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(st.text(min_size=1, max_size=9), VALUES, max_size=4)
TIMES = st.integers(0, 2**64 - 1)


@given(
    st.lists(
        st.builds(
            Span,
            trace_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
            span_id=st.binary(min_size=8, max_size=8).map(bytes.hex),
            parent_id=st.sampled_from(["", "ab" * 8]),
            parent_is_elsewhere=st.booleans(),
            name=st.text(max_size=9),
            start=TIMES,
            end=TIMES,
            attributes=ATTRIBUTES,
            events=st.lists(st.builds(SpanEvent, name=st.text(max_size=5), time=TIMES, attributes=ATTRIBUTES), max_size=2).map(
                tuple
            ),
            failed=st.booleans(),
            status_message=st.text(max_size=5),
            scope=st.text(max_size=5),
            resource=ATTRIBUTES,
        ),
        max_size=3,
    )
)
@settings(max_examples=30, deadline=None)
def test_both_encodings_hold_the_same_spans(made: list[Span]) -> None:
    assert list(protobuf_form.read_spans(as_protobuf(*made))) == made
    assert list(json_form.read_spans(as_json(*made))) == made
