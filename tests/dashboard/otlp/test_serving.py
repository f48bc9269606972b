"""OTLP on a real site: what the server refuses before a view sees it, in the form that exporters understand."""

from __future__ import annotations

import gzip
from pathlib import Path

import psutil

from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.chatlog.services.spans.making import model, text
from tests.dashboard.otlp.encoding import as_protobuf
from tests.dashboard.site_process import Site, manage, most_memory, running_site


async def send(site: Site, body: bytes, *headers: str, announced: int | None = None) -> tuple[int, dict[str, str], str]:
    return await site.post("/v1/traces", body, "Content-Type: application/x-protobuf", *headers, announced=announced)


async def test_a_large_request_is_taken_and_a_hundred_megabytes_are_not(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        _, output = await manage(tmp_path, "create_token", "ann")
        token = f"Authorization: Bearer {output.split()[-1]}"
        process = psutil.Process(site.process.pid)
        written = process.io_counters().write_chars
        status, headers, message = await send(site, b"x" * 1_000_000, token, announced=100_000_000)
        assert (status, headers["content-type"]) == (413, "application/x-protobuf")
        assert "20971520 bytes" in message
        assert process.io_counters().write_chars - written < 1_000_000
        large = as_protobuf(*(model(text("assistant", f"{number} " + "空" * 20_000)) for number in range(75)))
        assert len(large) > 4 * 1024 * 1024
        status, _, message = await send(site, large, token)
        assert (status, message) == (200, "")
        bomb = gzip.compress(bytes(100_000_000), compresslevel=1)
        memory = most_memory(process)
        status, _, message = await send(site, bomb, token, "Content-Encoding: gzip")
        assert (status, "decompressed" in message) == (413, True)
        assert most_memory(process) - memory < 60_000_000
    async with SqliteSessionStore(tmp_path / "chatlog.sqlite3") as store:
        assert await store.get_last_sequence("talk") == 75


async def test_a_body_that_does_not_come_to_its_end_is_given_up(tmp_path: Path) -> None:
    async with running_site(tmp_path, program="tests/dashboard/hasty_site.py") as site:
        _, output = await manage(tmp_path, "create_token", "ann")
        token = f"Authorization: Bearer {output.split()[-1]}"
        status, headers, message = await send(site, b"\x0a", token, announced=1_000)
        assert (status, headers["content-type"]) == (408, "application/x-protobuf")
        assert "within 0.5 s" in message
