"""A connection is held while the token in a request's headers is looked up: its body waits outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from dashboard.bounded_http import BoundedHTTPFactory
from dashboard.programs import known_tokens, tokens
from dashboard.programs.tokens import Grant

TEXT = tokens.PREFIX + "x" * 43
GRANT = Grant(token_id=7, may_read=True, may_write=True, expires_at=None)


class Server:
    """As much of daphne's as one request needs; what would become applications are the bodies that they were given."""

    root_path, request_buffer_size, proxy_forwarded_address_header = "", 8192, None

    def __init__(self) -> None:
        self.applications: list[asyncio.Queue[dict[str, Any]]] = []

    def protocol_connected(self, protocol: object) -> None:
        pass

    def protocol_disconnected(self, protocol: object) -> None:
        pass

    def create_application(self, protocol: object, scope: dict[str, Any]) -> asyncio.Queue[dict[str, Any]]:
        self.applications.append(asyncio.Queue())
        return self.applications[-1]

    def bodies(self) -> list[bytes]:
        return [b"".join(queue.get_nowait()["body"] for _ in range(queue.qsize())) for queue in self.applications]


class Connection:
    """One that sends a head and the beginning of its body at once, as a client does."""

    def __init__(self, *headers: str, body: bytes, sent: int) -> None:
        self.server, self.wire = Server(), StringTransport()
        self.protocol = BoundedHTTPFactory(self.server).buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        head = ["POST /v1/traces HTTP/1.1", f"Content-Length: {len(body)}", f"Authorization: Bearer {TEXT}", *headers, "", ""]
        self.protocol.dataReceived("\r\n".join(head).encode() + body[:sent])

    @property
    def request(self) -> Any:
        return self.protocol._channel.requests[-1]

    def end(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionError("gone")))


@pytest.fixture
async def answer(monkeypatch: pytest.MonkeyPatch) -> asyncio.Future[dict[str, Grant]]:
    """What the database says of the token, as soon as it does."""
    said: asyncio.Future[dict[str, Grant]] = asyncio.get_running_loop().create_future()

    async def look(_: list[str]) -> dict[str, Grant]:
        return await asyncio.shield(said)

    monkeypatch.setattr(known_tokens, "_find_grants", look)
    return said


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_body_waits_outside_and_then_comes_in_whole(answer: asyncio.Future[dict[str, Grant]]) -> None:
    body = bytes(range(256)) * 1_000
    connection = Connection(body=body, sent=60_000)
    await settled()
    assert connection.wire.producerState == "paused"
    assert connection.request.content is None
    answer.set_result({tokens.hash_token(TEXT): GRANT})
    await settled()
    assert connection.wire.producerState == "producing"
    connection.protocol.dataReceived(body[60_000:])
    await settled()
    assert connection.server.bodies() == [body]
    connection.end()


async def test_of_a_body_that_is_not_wanted_nothing_is_kept_and_the_client_reads_why(
    answer: asyncio.Future[dict[str, Grant]],
) -> None:
    connection = Connection(body=bytes(256_000), sent=60_000)
    answer.set_result({})
    await settled()
    assert connection.wire.value().startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"unknown, revoked or over" in connection.wire.value()
    connection.protocol.dataReceived(bytes(196_000))
    assert connection.request.content.getvalue() == b""
    assert connection.server.applications == []
    assert connection.wire.value().count(b"HTTP/1.1") == 1
    connection.end()


async def test_a_client_that_leaves_meanwhile_is_forgotten(answer: asyncio.Future[dict[str, Grant]]) -> None:
    connection = Connection(body=bytes(1_000), sent=1_000)
    await settled()
    connection.end()
    answer.set_result({tokens.hash_token(TEXT): GRANT})
    await settled()
    assert connection.server.applications == []
    assert connection.wire.value() == b""


async def test_a_token_that_was_known_a_moment_ago_holds_nothing_up(answer: asyncio.Future[dict[str, Grant]]) -> None:
    answer.set_result({tokens.hash_token(TEXT): GRANT})
    await known_tokens.current.get().find(TEXT)
    connection = Connection(body=b"abc", sent=3)
    assert connection.server.bodies() == [b"abc"]
    connection.end()
