"""The API on a real site: how large a body may be, and how long it may take."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from pathlib import Path

import psutil

from tests.dashboard.site_process import Site, manage, parse, running_site


async def create_token(site: Site, data: Path) -> str:
    _, output = await manage(data, "create_token", "ann")
    return output.split()[-1]


Answered = tuple[int, dict[str, str], str]


async def send(site: Site, path: str, body: bytes, *, token: str, announced: int | None = None) -> Answered:
    headers = f"Authorization: Bearer {token}", "Content-Type: application/json"
    return await site.post(path, body, *headers, announced=announced)


async def test_a_list_larger_than_any_form_is_taken_and_a_hundred_megabytes_are_not(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        token = await create_token(site, tmp_path)
        _, _, text = await send(site, "/api/v1/sessions", b'{"task": "x"}', token=token)
        path = f"/api/v1/sessions/{json.loads(text)['session_id']}/messages"
        process = psutil.Process(site.process.pid)
        written = process.io_counters().write_chars
        status, headers, text = await send(site, path, b"x" * 1_000_000, token=token, announced=100_000_000)
        assert (status, headers["content-type"]) == (413, "application/problem+json")
        assert "4194304 bytes" in json.loads(text)["detail"]
        assert process.io_counters().write_chars - written < 1_000_000
        remarks = [{"source": "a", "content": "空" * 1_300}] * 1_000
        status, _, text = await send(site, path, json.dumps(remarks, ensure_ascii=False).encode(), token=token)
        assert status == 201
        assert json.loads(text)[-1]["sequence"] == 1_000


async def test_a_body_that_does_not_come_to_its_end_is_given_up(tmp_path: Path) -> None:
    async with running_site(tmp_path, program="tests/dashboard/hasty_site.py") as site:
        token = await create_token(site, tmp_path)
        began = time.monotonic()
        status, headers, text = await send(site, "/api/v1/sessions", b'{"task', token=token, announced=1_000)
        assert (status, headers["content-type"]) == (408, "application/problem+json")
        assert "within 0.5 s" in json.loads(text)["detail"]
        assert time.monotonic() - began >= 0.5
        status, _, text = await send(site, "/login/", b"a", token="none", announced=1_000)
        assert (status, "within 0.5 s" in text) == (408, True)


async def test_an_address_that_is_too_long_is_answered_and_not_hung_up_on(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /api/v1/search?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, text = parse(await asyncio.wait_for(reader.read(), 20))
        writer.close()
        assert (status, headers["content-type"]) == (414, "application/problem+json")
        assert "longer than 16384 bytes" in json.loads(text)["detail"]
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"this is no request\r\n\r\n")
        status, headers, text = parse(await asyncio.wait_for(reader.read(), 20))
        writer.close()
        assert (status, json.loads(text)["status"]) == (400, 400)


async def test_every_status_is_sent_with_its_own_name(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        token = await create_token(site, tmp_path)
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        head = ["POST /api/v1/sessions HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Content-Type: application/json"]
        writer.write("\r\n".join([*head, "Content-Length: 2", "Connection: close", "", "{}"]).encode())
        first, _, _ = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n")
        writer.close()
    assert first.decode() == f"HTTP/1.1 422 {HTTPStatus(422).phrase}"


async def test_what_the_server_itself_refuses_is_a_problem_too(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /api/v1/sessions HTTP/1.1\r\nHost: x\r\nX-Odd: a\x0bb\r\nConnection: close\r\n\r\n")
        status, headers, text = parse(await reader.read())
        writer.close()
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(text)["status"] == 400
