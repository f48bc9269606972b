"""Who may send a body is known before any of it is read: on a real site, and in the same words as the views have."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from dashboard.api.v1 import api
from dashboard.doors import API, OTLP, Door
from dashboard.models import ApiToken
from dashboard.programs import audit, known_tokens, tokens
from dashboard.programs.access import TokenAuth, scope_of
from dashboard.programs.before_body import Head, find_refusal, is_wanted
from tests.dashboard.programs.program import Program
from tests.dashboard.site_process import Site, manage, most_memory, parse, running_site

SESSIONS = "/api/v1/sessions"
UNKNOWN = tokens.PREFIX + "x" * 43
BAD_HEADERS = ["", "Bearer", "Bearer chatlog_short", "Basic YTpi", f"Bearer {UNKNOWN}"]
MakeProgram = Callable[..., Awaitable[Program]]


def head_of(authorization: str, *, method: str = "POST") -> Head:
    return Head(method=method, path=SESSIONS, authorization=authorization, client="127.0.0.1")


# -- what is decided ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", BAD_HEADERS)
async def test_a_body_is_refused_in_the_words_of_the_view(program: Program, header: str) -> None:
    refused = await find_refusal(head_of(header))
    assert refused is not None
    said = await program.post(SESSIONS, {"task": "x"}, authorization=header)
    assert (refused.status, str(refused)) == (401, said.json["detail"])
    assert refused.headers["WWW-Authenticate"] == said.headers["www-authenticate"]
    assert not is_wanted(head_of(header))


async def test_a_body_is_wanted_of_a_token_with_the_scope_for_its_method(make_program: MakeProgram) -> None:
    reader, writer = [f"Bearer {(await make_program(**{without: False})).token}" for without in ("may_write", "may_read")]
    for allowed, method, barred in ((writer, "POST", reader), (writer, "PATCH", reader), (reader, "GET", writer)):
        assert not is_wanted(head_of("Bearer " + UNKNOWN, method=method))
        assert await find_refusal(head_of(allowed, method=method)) is None
        assert is_wanted(head_of(allowed, method=method))
        refused = await find_refusal(head_of(barred, method=method))
        assert refused is not None
        assert (refused.status, f"may not {scope_of(method)}" in str(refused)) == (403, True)
        assert not is_wanted(head_of(barred, method=method))


async def test_a_revoked_token_is_asked_about_again_before_its_next_body(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = head_of(f"Bearer {program.token}")
    assert await find_refusal(head) is None
    await ApiToken.objects.aupdate(revoked_at="2026-11-24T00:00:00Z")
    monkeypatch.setattr(known_tokens, "KNOWN_SECONDS", 0)
    assert not is_wanted(head)
    refused = await find_refusal(head)
    assert refused is not None
    assert refused.status == 401


def test_every_route_of_the_api_needs_the_scope_that_its_method_says() -> None:
    operations = [one for _, router in api._routers for path in router.path_operations.values() for one in path.operations]
    assert len(operations) > 10
    for operation in operations:
        (auth,) = operation.auth_callbacks
        assert isinstance(auth, TokenAuth)
        assert {scope_of(method) for method in operation.methods} == {auth.scope}


async def test_whose_body_was_refused_is_in_the_log(
    make_program: MakeProgram, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_refusals", audit.Refusals())
    caplog.set_level(logging.INFO, logger=audit.logger.name)
    reader = await make_program(may_write=False)
    number = (await ApiToken.objects.aget(token_hash=tokens.hash_token(reader.token))).pk
    await find_refusal(head_of(f"Bearer {reader.token}"))
    await find_refusal(head_of(f"Bearer {UNKNOWN}"))
    assert [line for line in caplog.messages if "was answered" in line] == [
        f"token {number}: POST {SESSIONS} was answered with 403 to 127.0.0.1",
        f"token unknown: POST {SESSIONS} was answered with 401 to 127.0.0.1",
    ]
    assert reader.token not in caplog.text


# -- on a real site -------------------------------------------------------------------------------------------------------


async def send_head(
    site: Site, path: str, *headers: str, length: int | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Without a length the body would come in pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", size, *headers, "", ""]
    writer.write("\r\n".join(head).encode())
    return reader, writer


async def refusal_of_head(site: Site, path: str, header: str, door: Door, *, length: int | None) -> None:
    given = [f"Authorization: {header}"] if header else []
    reader, writer = await send_head(site, path, *given, length=length)
    status, headers, text = parse(await asyncio.wait_for(reader.read(), 20))  # and then the connection is closed
    writer.close()
    assert status == (401 if header in BAD_HEADERS else 403)
    assert ("www-authenticate" in headers) == (status == 401)
    assert headers["cache-control"] == "no-store"
    assert json.loads(text)["detail" if door is API else "message"]


async def test_without_a_good_token_the_answer_comes_before_anything_of_the_body_is_sent(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        _, made = await manage(tmp_path, "create_token", "ann", "--scope=read")
        doors = (SESSIONS, API), ("/api/v%31/sessions", API), ("/v1/traces", OTLP)
        headers = [*BAD_HEADERS, f"Bearer {made.split()[-1]}"]
        await asyncio.gather(
            *(
                refusal_of_head(site, path, header, door, length=length)
                for path, door in doors
                for header in headers
                for length in (1, door.max_body_bytes, None)
            )
        )


async def test_a_client_that_asks_first_is_told_to_go_on_only_if_its_body_is_wanted(tmp_path: Path) -> None:
    body = json.dumps({"task": "x" * 100_000}).encode()
    ask = "Expect: 100-continue", "Content-Type: application/json", "Connection: close"
    async with running_site(tmp_path) as site:
        reader, writer = await send_head(site, SESSIONS, f"Authorization: Bearer {UNKNOWN}", *ask, length=len(body))
        answer = await asyncio.wait_for(reader.read(), 10)
        assert (answer[:13], answer.count(b"HTTP/1.1")) == (b"HTTP/1.1 401 ", 1)
        writer.close()
        _, made = await manage(tmp_path, "create_token", "ann")
        for _ in range(2):  # once when the token has to be looked up, once when it is known
            reader, writer = await send_head(
                site, SESSIONS, f"Authorization: Bearer {made.split()[-1]}", *ask, length=len(body)
            )
            assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            assert parse(await asyncio.wait_for(reader.read(), 10))[0] == 201
            writer.close()


async def flood(site: Site, number: int) -> int:
    """Send 20 MB whatever the answer is, as long as the site lets them be sent. Returns the status."""
    token = f"Authorization: Bearer {tokens.PREFIX}{number:043}"
    reader, writer = await send_head(site, "/v1/traces", token, length=OTLP.max_body_bytes)
    answer = asyncio.create_task(reader.readuntil(b"}"))
    try:
        for _ in range(20):
            writer.write(bytes(1024 * 1024))
            await writer.drain()
    except ConnectionError:
        pass  # hung up on, for its time to read the answer is over
    status, _, _ = parse(await asyncio.wait_for(answer, 20))
    writer.close()
    return status


async def test_fifty_large_bodies_of_made_up_tokens_take_neither_memory_nor_disk(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        await site.post("/v1/traces", b"x")
        process = psutil.Process(site.process.pid)
        memory, written = most_memory(process), process.io_counters().write_chars
        assert await asyncio.gather(*(flood(site, number) for number in range(50))) == [401] * 50
        assert most_memory(process) - memory < 30_000_000
        assert process.io_counters().write_chars - written < 1_000_000
