"""daphne's HTTP with limits. daphne writes a body of any size to disk before the application is asked, keeps in memory whatever
a slow client has not read yet, and ends an answer that broke off as if it were whole.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.internet import reactor

# Time for the client to read why, before the connection is cut under what it still sends.
LINGER_SECONDS = 2.0


class _Room:
    """What Twisted tells when the client reads more slowly than the answer is written, and when it has caught up."""

    def __init__(self) -> None:
        self._is_there = asyncio.Event()
        self._is_there.set()

    def pauseProducing(self) -> None:  # noqa: N802  # Twisted's name
        self._is_there.clear()

    def resumeProducing(self) -> None:  # noqa: N802  # Twisted's name
        self._is_there.set()

    def stopProducing(self) -> None:  # noqa: N802  # Twisted's name
        """Nobody reads any more."""
        self._is_there.set()

    async def wait(self) -> None:
        await self._is_there.wait()


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne carries no types
    """Refuses a body over `MAX_BODY_BYTES` as soon as it is announced or arrives, and keeps nothing of it."""

    _received = 0
    _refused = False
    _room: _Room | None = None

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body" and not self.finished and self.channel is not None:
            self._watch_room(is_last=not message.get("more_body", False))
        super().handle_reply(message)

    async def wait_for_room(self) -> None:
        """Return when the client has read most of what was written."""
        if self._room is not None:
            await self._room.wait()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        if self._room is not None:
            self._room.stopProducing()
        super().connectionLost(reason)

    def handle_exception(self, exception: BaseException) -> None:
        """An answer that broke off has no proper end: its client has to see that there is something missing."""
        if self._response_started and self.channel is not None:
            self.channel.transport.abortConnection()
        else:
            super().handle_exception(exception)

    def _watch_room(self, *, is_last: bool) -> None:
        if is_last and self._room is not None:
            self.unregisterProducer()
            self._room = None
        elif not is_last and self._room is None:
            self._room = _Room()
            self.registerProducer(self._room, streaming=True)

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # Twisted's name
        super().gotLength(length if length is None or length <= settings.MAX_BODY_BYTES else 0)
        if length is not None and length > settings.MAX_BODY_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        if self._refused:
            return
        self._received += len(data)
        if self._received > settings.MAX_BODY_BYTES:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        return None if self._refused else super().process()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """daphne's own error page, without its inline style and with the headers of every other answer."""
        text = f"{status} {status_text.decode('ascii')}: {body}\n".encode()
        headers = [*plain_headers(), (b"Content-Length", str(len(text)).encode())]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": text})

    def _refuse(self) -> None:
        self._refused = True
        self.content.truncate(0)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        text = f"The body is larger than {settings.MAX_BODY_BYTES} bytes; nothing on this site takes more.\n".encode()
        head = [(b"Content-Length", str(len(text)).encode()), (b"Connection", b"close"), *plain_headers()]
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *(b": ".join(pair) for pair in head), b"", text]
        # Past Twisted's response machinery, which only starts once the whole body has come.
        self.channel.transport.write(b"\r\n".join(lines))
        reactor.callLater(LINGER_SECONDS, self.channel.loseConnection)  # type: ignore[arg-type]  # an interface, not its method


def plain_headers() -> list[tuple[bytes, bytes]]:
    return [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Security-Policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"X-Frame-Options", b"DENY"),
        (b"Referrer-Policy", b"same-origin"),
        (b"Cross-Origin-Opener-Policy", b"same-origin"),
    ]


class BoundedHTTPFactory(HTTPFactory):  # type: ignore[misc]  # daphne carries no types
    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  # Twisted's name
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
