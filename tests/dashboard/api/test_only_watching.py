"""Programs and a site that only watches another program's container."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatlog.storage.base import SessionStore
from dashboard.stores import use_store
from tests.chatlog.services.spans.making import model, text
from tests.dashboard.otlp.encoding import JSON, PROTOBUF, as_json, as_protobuf
from tests.dashboard.programs.program import Program
from tests.dashboard.watched_container import watched_container

SESSIONS = "/api/v1/sessions"
SESSION = f"{SESSIONS}/thread-1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with watched_container() as watched, watched.open_store(tmp_path) as opened:
        with use_store(opened):
            yield opened


async def test_programs_are_told_for_good_that_they_may_not_write(program: Program) -> None:
    for answer in (
        await program.post(SESSIONS, {"task": "A name"}),
        await program.post(f"{SESSION}/messages", {"source": "a", "content": "b"}),
        await program.patch(SESSION, {"title": "Another"}),
        await program.send("DELETE", SESSION),
    ):
        assert answer.status == 403  # after a 503 they would try for ever
        assert "COSMOSDB_READ_ONLY" in answer.json["detail"]
        assert "retry-after" not in answer.headers


async def test_programs_may_read(program: Program) -> None:
    answer = await program.get(f"{SESSION}/messages")
    assert answer.status == 200
    assert "会議室" in answer.body.decode()


@pytest.mark.parametrize(("kind", "encode"), [(PROTOBUF, as_protobuf), (JSON, as_json)], ids=["protobuf", "JSON"])
async def test_exporters_are_told_for_good_as_well_in_the_encoding_that_they_speak(
    program: Program, store: SessionStore, kind: str, encode: Callable[..., bytes]
) -> None:
    before = (await store.list_sessions()).items
    body = encode(model(text("assistant", "Tokori."), heard=[text("user", "A name?")]))
    answer = await program.send("POST", "/v1/traces", body, content_type=kind)
    assert (answer.status, answer.headers["content-type"]) == (403, kind)  # they send again after 429, 502, 503 and 504
    assert b"COSMOSDB_READ_ONLY" in answer.body
    assert "retry-after" not in answer.headers
    assert (await store.list_sessions()).items == before
