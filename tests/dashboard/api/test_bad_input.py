"""Whatever is sent: an answer below 500 that says why, in one form, with the headers of every other answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable

import pytest
from django.conf import settings

from chatlog.storage.base import SessionStore
from dashboard.api.parsing import MAX_DEPTH
from dashboard.api.v1 import api
from tests.dashboard.programs.program import SENT, Program

SESSIONS = "/api/v1/sessions"
BOMB = gzip.compress(b" " * 50_000_000 + b'{"task": "x"}', compresslevel=1, mtime=0)


def nested(levels: int) -> bytes:
    return b'{"task": "x", "metadata": ' + b'{"a": ' * levels + b"1" + b"}" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 422),
        (b"\xff\xfe\xfa", {}, 400),
        (b'{"task": NaN}', {}, 400),
        (b'{"task": ' + b"1" * 5_000 + b"}", {}, 422),
        (b'{"task": "\\ud800"}', {}, 422),
        (nested(MAX_DEPTH + 10), {}, 422),
        (b"[" * 100_000, {}, 422),
        (nested(MAX_DEPTH - 2), {}, 201),
        (b"task=x", {"content_type": "application/x-www-form-urlencoded"}, 415),
        (b'{"task": "x"}', {"content_type": "text/plain"}, 415),
        (b'{"task": "x"}', {"content_type": "application/json; charset=utf-8"}, 201),
        (BOMB, {"content_encoding": "gzip"}, 415),
        (b" " * (settings.MAX_API_BODY_BYTES + 1), {}, 413),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_body_that_cannot_be_is_refused_with_a_reason(
    program: Program, store: SessionStore, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await program.send("POST", SESSIONS, body, **{"content_type": "application/json"} | headers)
    assert answer.status == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status
        assert len(answer.json["detail"]) > 20
        assert status != 400 or "The body is not " in answer.json["detail"]
        assert not (await store.list_sessions()).items


async def test_what_is_wrong_with_a_number_is_said_in_the_apis_own_words(program: Program) -> None:
    numbers = {
        "NaN": "The body is not JSON: NaN is no JSON number.",
        "1" * 5_000: "of more than 4,300 digits. Send it as text.",
    }
    for number, words in numbers.items():
        body = b'{"task": "x", "metadata": {"n": %s}}' % number.encode()
        detail = (await program.send("POST", SESSIONS, body, content_type="application/json")).json["detail"]
        assert detail.endswith(words)
        assert "sys." not in detail


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/sessions/", 404),
        ("GET", "/api/v1/sessions/a\x00b", 422),
        ("GET", "/api/v1/sessions/" + "x" * 256, 422),
        ("PUT", SESSIONS, 405),
        ("TRACE", SESSIONS, 405),
    ],
)
async def test_an_address_that_is_not_there_is_a_problem_too(program: Program, method: str, path: str, status: int) -> None:
    answer = await program.send(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_no_other_site_may_call_it_from_a_browser(program: Program) -> None:
    for method in ("OPTIONS", "GET"):
        answer = await program.send(method, SESSIONS, origin="https://evil.example", access_control_request_method="POST")
        assert not [name for name in answer.headers if name.startswith("access-control")]


BODIES = {"create_session": {"task": "x"}, "create_messages": {"source": "a", "content": "b"}, "change_session": {}}
OPERATIONS = [
    (method.upper(), path.replace("{session_id}", "x"), operation["operationId"])
    for path, operations in api.document()["paths"].items()
    for method, operation in operations.items()
]


@pytest.mark.parametrize(("method", "path", "name"), OPERATIONS, ids=[name for _, _, name in OPERATIONS])
async def test_every_operation_wants_a_token_and_refuses_parameters_that_it_does_not_have(
    program: Program, method: str, path: str, name: str
) -> None:
    body = json.dumps(BODIES.get(name)).encode() if name in BODIES else b""
    assert (await Program().send(method, path, body, **SENT)).status == 401
    answer = await program.send(method, path + ("?q=x&nonsense=1" if name == "search" else "?nonsense=1"), body, **SENT)
    assert (answer.status, answer.fields) == (422, ["nonsense"])


@pytest.mark.parametrize(("method", "path", "name"), OPERATIONS, ids=[name for _, _, name in OPERATIONS])
async def test_every_operation_wants_the_scope_that_is_described(
    make_program: Callable[..., Awaitable[Program]], method: str, path: str, name: str
) -> None:
    described = api.document()["paths"][path.replace("/x", "/{session_id}")][method.lower()]["security"]
    body = json.dumps(BODIES.get(name)).encode() if name in BODIES else b""
    for scope, options in (("read", {"may_write": False}), ("write", {"may_read": False})):
        answer = await (await make_program(**options)).send(method, path, body, **SENT)
        assert (answer.status != 403) is (described == [{"TokenAuth": [scope]}])


async def test_the_document_describes_every_answer(program: Program) -> None:
    document = (await program.get("/api/v1/openapi.json")).json
    assert document == json.loads(json.dumps(api.document()))
    for operations in document["paths"].values():
        for operation in operations.values():
            assert {"400", "401", "403", "404", "405", "422", "429", "500", "503"} <= operation["responses"].keys()
            assert operation["security"]
    assert (await Program().get("/api/v1/openapi.json")).status == 401
