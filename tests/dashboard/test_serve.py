from __future__ import annotations

import asyncio
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest
import websockets
from django.conf import settings

from chatlog.storage.sqlite.store import SqliteSessionStore
from dashboard.sockets import codes
from tests.dashboard.site_process import Site, manage, parse, read_rows, running_site
from tests.factories import make_drafts, make_session


async def test_sigterm_in_mid_stream_answers_what_it_began_and_sends_everybody_away(tmp_path: Path) -> None:
    async with (
        running_site(tmp_path, program="tests/dashboard/slow_site.py") as site,
        SqliteSessionStore(tmp_path / "chatlog.sqlite3") as store,
    ):
        session = await store.create_session(make_session())
        pages = [await site.watch(session.session_id) for _ in range(20)]
        await store.append_messages(session.session_id, make_drafts(30))
        for page in pages:
            assert await read_rows(page, up_to=30) == list(range(1, 31))
        answers = [asyncio.create_task(site.get("/slow")) for _ in range(10)]
        for _ in answers:
            await asyncio.wait_for(site.process.stdout.readline(), 10)  # each says that it has begun
        began = time.monotonic()
        site.process.send_signal(signal.SIGTERM)
        for page in pages:
            with pytest.raises(websockets.ConnectionClosed) as closing:
                await read_rows(page, up_to=-1)
            assert closing.value.rcvd.code == codes.GOING_DOWN
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection("127.0.0.1", site.port)
        assert [(status, body) for status, _, body in await asyncio.gather(*answers)] == [(200, "finished")] * 10
        assert await asyncio.wait_for(site.process.wait(), 10) == 0
        assert time.monotonic() - began < 10


async def test_ctrl_c_stops_an_idle_site_and_the_start_told_no_secret(tmp_path: Path) -> None:
    async with running_site(tmp_path, SECRET_KEY="do-not-tell-anybody" * 3) as site:
        assert str(tmp_path) in site.first_line
        assert "do-not-tell" not in site.first_line
        site.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(site.process.wait(), 10) == 0


async def test_serve_names_what_is_missing(tmp_path: Path) -> None:
    code, output = await manage(tmp_path, "serve", "--port=0")
    assert code == 1
    assert "python manage.py migrate" in output
    assert "Traceback" not in output


async def test_a_port_that_is_taken_is_said_clearly(tmp_path: Path) -> None:
    await manage(tmp_path, "migrate", "-v0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, output = await manage(tmp_path, "serve", f"--port={taken.getsockname()[1]}")
    assert code == 1
    assert "Address already in use" in output
    assert "--port" in output
    assert "Traceback" not in output


async def send(site: Site, request: bytes, *, body: int = 0, chunked: bool = False) -> tuple[int, dict[str, str], int]:
    """Send a request whose body goes on and on; returns the answer, and how much of the body went out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request)
    piece, sent = b"x" * 65536, 0
    answer = asyncio.create_task(reader.read())
    try:
        while sent < body and not answer.done():
            writer.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            await writer.drain()
            sent += len(piece)
    except ConnectionError:
        pass  # it hung up on us, as it should
    status, headers, _ = parse(await answer)
    writer.close()
    return status, headers, sent


async def test_a_body_over_the_limit_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        head = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        status, headers, _ = await send(site, head + b"Content-Length: 1048577\r\n\r\n")
        assert status == 413
        assert "content-security-policy" in headers
        process = psutil.Process(site.process.pid)
        written = process.io_counters().write_chars
        status, _, _ = await send(site, head + b"Transfer-Encoding: chunked\r\n\r\n", body=300 * 1024 * 1024, chunked=True)
        assert status == 413
        assert process.io_counters().write_chars - written < 2 * settings.MAX_BODY_BYTES
        status, _, _ = await send(site, head + b"Content-Length: 10\r\nConnection: close\r\n\r\n" + b"x" * 10)
        assert status == 403  # a small form goes through to Django, which misses its token


async def test_the_servers_own_error_pages_carry_the_headers_too(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        status, headers, _ = await send(
            site, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Odd: a\x0bb\r\nConnection: close\r\n\r\n"
        )
    assert status == 400
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


async def test_static_files_are_served_under_hashed_names(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        status, headers, _ = await site.get("/static/django_htmx/htmx-2.min.js")
    assert status == 200
    assert "content-security-policy" in headers
