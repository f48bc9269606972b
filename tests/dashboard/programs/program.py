"""A program that talks to the API: through the site's ASGI application, as a server would hand its requests on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

SENT = {"content_type": "application/json"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fields(self) -> list[str]:
        """What a problem says is wrong."""
        return [error["field"] for error in self.json.get("errors", [])]


@dataclass
class Program:
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, value: Any, **headers: str) -> Answer:
        return await self.send("POST", path, json.dumps(value).encode(), **SENT | headers)

    async def patch(self, path: str, value: Any) -> Answer:
        return await self.send("PATCH", path, json.dumps(value).encode(), **SENT)

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        async with self.open(method, path, body, **headers) as (status, answered, pieces):
            return Answer(status, answered, b"".join([piece async for piece in pieces]))

    @asynccontextmanager
    async def open(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes]]]:
        """The beginning of an answer, and its pieces as they come. Leaving the block hangs up."""
        from dashboard.asgi import application

        received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        received.put_nowait({"type": "http.request", "body": body, "more_body": False})
        task = asyncio.create_task(application(self.scope(method, path, headers), received.get, sent.put))
        try:
            start = await asyncio.wait_for(sent.get(), 10)
            answered = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
            yield start["status"], answered, _pieces(sent)
        finally:
            received.put_nowait({"type": "http.disconnect"})
            await asyncio.wait_for(task, 10)

    def scope(self, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
        path, _, query = path.partition("?")
        given = {"host": "testserver"} | self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            given.setdefault("authorization", f"Bearer {self.token}")
        return {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        }


async def _pieces(sent: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await asyncio.wait_for(sent.get(), 10)
        more = message.get("more_body", False)
        yield message.get("body", b"")
