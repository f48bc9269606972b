"""A site that does as a test wants, over real HTTP: it takes everything, unless it was ordered to answer something else."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

from aiohttp import web

from chatlog.domain.clock import to_timestamp, utc_now

TOKEN = "chatlog_test"
Order = Callable[[web.Request], web.StreamResponse]


def problem(status: int, detail: str = "no", *errors: dict[str, Any], **headers: str) -> Order:
    """What the API answers when it cannot do what was asked."""
    body = json.dumps({"title": "x", "status": status, "detail": detail, "errors": list(errors)})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(text=body, status=status, content_type="application/problem+json", headers=named)


def page(status: int, text: str = "<h1>Log in</h1>", **headers: str) -> Order:
    """What somebody answers who is not the API."""
    return lambda _: web.Response(text=text, status=status, content_type="text/html", headers=headers)


def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without a word, as a site does that is killed."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


class FakeSite:
    """`orders` are answered first, one each; `always` answers everything as long as it is set; `far` is how far away it is."""

    def __init__(self) -> None:
        self.address = ""
        self.orders: deque[Order] = deque()
        self.always: Order | None = None
        self.far = 0.0
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[Any] = []
        self._more = asyncio.Condition()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, tuple[int, str]]] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        sent = json.loads(text) if text else None
        self.asked.append((request.method, request.path, sent))
        self.headers.append(request.headers)
        async with self._more:
            self._more.notify_all()
        if self.far:
            await asyncio.sleep(self.far)
        order = self.orders.popleft() if self.orders else self.always
        return self._take(request, sent) if order is None else order(request)

    def _take(self, request: web.Request, sent: Any) -> web.Response:
        match request.path.partition("/api/v1/sessions")[2].strip("/").split("/"):
            case [""] if request.method == "POST":
                now = to_timestamp(utc_now())
                rest = {"title": None, "status": "active", "updated_at": now, "last_message_at": None, "message_count": 0}
                session = self.sessions.setdefault(sent["session_id"], rest | sent)
                return web.json_response(session, status=201)
            case [""]:
                return web.json_response({"items": list(self.sessions.values()), "next_cursor": None})
            case [session_id, "messages"]:
                return web.json_response([self._number(session_id, one) for one in sent], status=201)
            case [session_id]:
                self.sessions[session_id] |= sent or {}
                return web.json_response(self.sessions[session_id])
        raise AssertionError(request.path)

    def _number(self, session_id: str, sent: dict[str, Any]) -> dict[str, Any]:
        stored = self.messages.setdefault(session_id, {})
        sequence, _ = stored.setdefault(sent["message_id"], (len(stored) + 1, sent["content"]))
        return {"message_id": sent["message_id"], "sequence": sequence}

    async def was_asked(self, times: int) -> None:
        """Return when so many requests have come in."""
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.asked) >= times)

    def said(self, session_id: str) -> list[str]:
        return [content for _, content in self.messages.get(session_id, {}).values()]

    def lists(self) -> list[int]:
        """How long the lists of messages were that came in."""
        return [len(sent) for method, path, sent in self.asked if method == "POST" and path.endswith("/messages")]


@asynccontextmanager
async def fake_site(prefix: str = "", *, tls: SSLContext | None = None) -> AsyncIterator[FakeSite]:
    """With `tls`, it is https://localhost."""
    site = FakeSite()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", f"{prefix}/{{rest:.*}}", site.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    place = "http://127.0.0.1" if tls is None else "https://localhost"
    site.address = f"{place}:{runner.addresses[0][1]}{prefix}"
    try:
        yield site
    finally:
        await runner.cleanup()
