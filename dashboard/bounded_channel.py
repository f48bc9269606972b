"""A connection that can be held between a request's headers and its body; and what Twisted hangs up on without a word, or with
one nobody can read: requests that are no HTTP, or whose address is too long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from twisted.internet import reactor as typed_reactor
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol

from dashboard.programs import problems
from dashboard.safe_headers import safe_headers

reactor: Any = typed_reactor  # its type says that its methods take no self
# Time for the client to read why, before the connection is cut under what it still sends.
LINGER_SECONDS = 2.0


class BoundedChannel(HTTPChannel):
    _is_refused = False
    _owes_continue = False
    _networkProducer: Any  # noqa: N815  # Twisted's, whose type says that its methods take no self

    def hold(self) -> None:
        """Read nothing more, neither of what is here nor from the client, until `go_on`."""
        self.paused = True  # Twisted's line reader looks at it after each line

    def go_on(self) -> None:
        self.paused = False
        if self._owes_continue:
            self._owes_continue = False
            self._send100Continue()
        if not self._waitingForTransport:
            self._networkProducer.resumeProducing()
        self.dataReceived(b"")

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        if not self._is_refused:
            super().dataReceived(data)  # type: ignore[no-untyped-call]  # Twisted's own types are incomplete
        if self.paused:
            self._networkProducer.pauseProducing()

    def _send100Continue(self) -> None:  # noqa: N802  # Twisted's name
        """A client that asks before it sends its body is told to only if it is wanted."""
        if self.paused:
            self._owes_continue = True
        elif not self.requests[-1].is_refused:
            super()._send100Continue()  # type: ignore[no-untyped-call]  # as above

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802  # Twisted's name
        text = f"The address or a header is longer than {self.MAX_LENGTH} bytes."
        self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, text)

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802  # Twisted's name
        text = f"This is no HTTP request, or its headers are longer than {self.totalHeadersSize} bytes."
        self._refuse(HTTPStatus.BAD_REQUEST, text)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """As a problem: whom it concerns is not known yet, and a person can read it too."""
        if self._is_refused:
            return
        self._is_refused = True
        self._buffer = b""  # of the lines that are here already, none is looked at
        write_refusal(self, status, problems.CONTENT_TYPE, json.dumps(problems.describe_refusal(status, text)).encode())


def write_refusal(
    channel: Any, status: HTTPStatus, content_type: str, body: bytes, *, more_headers: Mapping[str, str] | None = None
) -> None:
    """Past Twisted's response machinery, which only starts once a whole request has come."""
    headers = [(b"Content-Length", str(len(body)).encode()), (b"Connection", b"close"), *safe_headers(content_type.encode())]
    headers += [
        (name.encode(), value.encode()) for name, value in {"Cache-Control": "no-store", **(more_headers or {})}.items()
    ]
    first = b"HTTP/1.1 %d %s" % (status, status.phrase.encode())
    channel.transport.write(b"\r\n".join([first, *(b": ".join(pair) for pair in headers), b"", body]))
    reactor.callLater(LINGER_SECONDS, channel.loseConnection)


def make_protocol() -> Any:
    """What Twisted's factory makes, with our channel in it."""
    return _GenericHTTPChannelProtocol(BoundedChannel())  # type: ignore[no-untyped-call]  # as above
