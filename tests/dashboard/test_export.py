from __future__ import annotations

import asyncio
import json
import re
from email.message import Message as Headers
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from chatlog import Session, SessionStatus, SessionStore, StorageError, StorageUnavailable
from chatlog.services.exporting import PAGE_MESSAGES
from dashboard.export_formats import disposition
from dashboard.exporting_html import HtmlWriter, load_style
from dashboard.stores import use_store
from tests.dashboard.site_process import running_site
from tests.factories import make_draft, make_drafts, make_session
from tests.hostile import PAYLOADS

TYPES = {"jsonl": "application/jsonl", "md": "text/markdown", "html": "text/html", "csv": "text/csv"}


async def keep(store: SessionStore, count: int = 3, **overrides: Any) -> Session:
    session = await store.create_session(make_session(**overrides))
    await store.append_messages(session.session_id, make_drafts(count))
    return await store.update_session(session.session_id, status=SessionStatus.COMPLETED)


async def read(response: HttpResponse) -> str:
    return b"".join([piece async for piece in response.streaming_content]).decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", TYPES)
async def test_a_session_can_be_had_in_every_format(name: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await keep(store, 5, title="名前：空間/共有")
    response = await browser.get(f"/sessions/{session.session_id}/export?format={name}")
    assert response.status_code == 200
    assert response["Content-Type"] == f"{TYPES[name]}; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="')
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    text = await read(response)
    for message in await store.list_messages(session.session_id):
        assert message.content in text


async def test_the_list_is_exported_under_its_filters(browser: AsyncClient, store: SessionStore) -> None:
    wanted = await keep(store, tags=["wanted"])
    await keep(store)
    records = [json.loads(line) for line in (await read(await browser.get("/export?format=jsonl&tag=wanted"))).splitlines()]
    assert [record["session_id"] for record in records if record["chatlog"] == "session"] == [wanted.session_id]
    assert records[-1] == {"chatlog": "end", "sessions": 1, "messages": 3}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/export?format=pdf", "Choose one of jsonl, md, html, csv."),
        ("/sessions/{id}/export?format=", "Choose one of"),
        ("/export?status=asleep", "asleep"),
        ("/export?from=yesterday", "yesterday"),
    ],
)
async def test_what_is_not_understood_is_said(path: str, sentence: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await keep(store)
    response = await browser.get(path.format(id=session.session_id))
    assert response.status_code == 400
    assert sentence in response.content.decode()


async def test_an_unknown_session_is_a_page_and_no_file(browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get("/sessions/nobody/export?format=md")
    assert response.status_code == 404
    assert "Content-Disposition" not in response


class BreakingStore:
    """Goes away once so many pages of messages have been read."""

    def __init__(self, store: SessionStore, *, pages: int, error: StorageError) -> None:
        self._store, self._left, self._error = store, pages, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def list_messages(self, session_id: str, **options: Any) -> Any:
        if self._left == 0:
            raise self._error
        self._left -= 1
        return await self._store.list_messages(session_id, **options)


async def test_a_store_that_is_away_is_a_page_and_no_file(browser: AsyncClient, store: SessionStore) -> None:
    session = await keep(store)
    with use_store(BreakingStore(store, pages=0, error=StorageUnavailable("away"))):  # type: ignore[arg-type]
        response = await browser.get(f"/sessions/{session.session_id}/export?format=csv")
    assert response.status_code == 503


async def test_a_store_that_goes_away_in_the_middle_breaks_the_stream(browser: AsyncClient, store: SessionStore) -> None:
    session = await keep(store, 2 * PAGE_MESSAGES)
    with use_store(BreakingStore(store, pages=1, error=StorageError("gone"))):  # type: ignore[arg-type]
        response = await browser.get(f"/sessions/{session.session_id}/export?format=jsonl")
        with pytest.raises(StorageError):
            await read(response)


@pytest.mark.parametrize(
    ("stem", "plain", "encoded"),
    [
        ("2026-11-23 A name", "2026-11-23-A-name.md", "2026-11-23-A-name.md"),
        ("名前", "chatlog.md", "%E5%90%8D%E5%89%8D.md"),
        ('a"; filename="b\r\nX-Evil: 1', "a-filename-b-X-Evil-1.md", "a-filename%3D-b-X-Evil-1.md"),
        ("../../etc/passwd", "etc-passwd.md", "etc-passwd.md"),
        ("\u202egpj.exe", "U-202E-gpj-exe.md", "U%2B202E-gpj-exe.md"),
        ("x" * 500, "x" * 60 + ".md", "x" * 60 + ".md"),
        ("...", "chatlog.md", "chatlog.md"),
    ],
)
def test_file_names_are_safe(stem: str, plain: str, encoded: str) -> None:
    header = disposition(stem, "md")
    assert header == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    assert "\r" not in header
    assert "\n" not in header
    headers = Headers()
    headers["Content-Disposition"] = header
    assert headers.get_filename() is not None


class Tags(HTMLParser):
    """What a browser would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[tuple[str, str, str]] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [(tag, name, value or "") for name, value in attrs if name in {"src", "href", "srcset", "style"}]
        self.handlers += [name for name, _ in attrs if name.startswith(("on", "hx-", "data-hx"))]


async def test_the_html_file_needs_and_runs_nothing_else(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(task="<script>alert(1)</script>", title="<img src=x onerror=alert(1)>"))
    drafts = [
        make_draft(content=payload, source="<b onclick=x>") for payload in PAYLOADS if payload.strip() and "\x00" not in payload
    ]
    await store.append_messages(session.session_id, drafts[:300])
    text = await read(await browser.get(f"/sessions/{session.session_id}/export?format=html"))
    tags = Tags()
    tags.feed(text)
    assert not tags.names & {"script", "link", "img", "iframe", "object", "embed", "form", "svg", "base"}
    assert {(tag, name) for tag, name, _ in tags.addresses} == {("a", "href")}
    assert not [
        value
        for *_, value in tags.addresses
        if re.match(r"[\s\x00-\x1f]*(javascript|vbscript|data|file):", value, re.IGNORECASE)
    ]
    assert tags.handlers == []
    assert "url(" not in load_style()
    assert "@import" not in load_style()
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-", text)


async def test_the_html_file_is_one_whole_document(browser: AsyncClient, store: SessionStore) -> None:
    await keep(store, 2)
    await keep(store, 1)
    text = await read(await browser.get("/export?format=html"))
    assert text.count("<!doctype html>") == text.count("</html>") == text.count("<style>") == 1
    assert text.count("<h1") == 2
    assert text.count("<article") == 3
    assert "prefers-color-scheme: dark" in text
    assert "2 sessions" in text


async def test_a_broken_stream_is_a_broken_connection_and_a_slow_reader_holds_the_export_up(tmp_path: Path) -> None:
    """On the real server: daphne by itself ends a failed answer as if it were whole, and buffers without a limit."""
    async with running_site(tmp_path, program="tests/dashboard/exporting_site.py") as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=4096)
        writer.write(f"GET /broken HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
        received = b""
        with pytest.raises(ConnectionResetError):
            while piece := await asyncio.wait_for(reader.read(1000), 10):
                received += piece
        assert not received.endswith(b"0\r\n\r\n")
        writer.close()

        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=4096)
        writer.write(f"GET /endless HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
        await asyncio.wait_for(reader.read(1), 10)
        line = await asyncio.wait_for(site.process.stdout.readline(), 30)
        assert line == b"held up\n", "the server took in all that the reader did not read"
        writer.close()


async def test_the_list_leads_to_exports_under_its_own_filters(browser: AsyncClient, store: SessionStore) -> None:
    wanted, other = await keep(store, tags=["a & b"]), await keep(store, tags=["a"])
    page = (await browser.get("/", {"tag": "a & b", "status": "completed"})).content.decode()
    links = [unescape(link) for link in re.findall(r'href="(/export\?[^"]*)"', page)]
    assert [link.rpartition("format=")[2] for link in links] == ["md", "html", "csv", "jsonl"]
    for link in links:
        text = await read(await browser.get(link))
        assert (wanted.session_id in text, other.session_id in text) == (True, False)


async def test_the_html_file_speaks_the_reader_s_language(store: SessionStore) -> None:
    session = await keep(store)
    writer = HtmlWriter(zone=ZoneInfo("Asia/Tokyo"), language="ja")
    text = writer.begin() + writer.session(session, count=3)
    assert '<html lang="ja">' in text
    assert "完了" in text
    assert "JST" in text
