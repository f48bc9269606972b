"""daphne's HTTP with a limit on bodies. daphne writes a body of any size to disk before the application is asked."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.internet import reactor

# Time for the client to read why, before the connection is cut under what it still sends.
LINGER_SECONDS = 2.0


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne carries no types
    """Refuses a body over `MAX_BODY_BYTES` as soon as it is announced or arrives, and keeps nothing of it."""

    _received = 0
    _refused = False

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
