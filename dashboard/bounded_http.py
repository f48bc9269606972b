"""daphne's HTTP with limits. daphne writes a body of any size to disk before the application is asked, keeps in memory whatever
a slow client has not read yet, and ends an answer that broke off as if it were whole.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.internet import reactor as typed_reactor

from dashboard.bounded_channel import make_protocol, write_refusal
from dashboard.doors import Door, find_door
from dashboard.programs.before_body import Head, find_refusal, is_wanted
from dashboard.programs.problems import Problem
from dashboard.safe_headers import safe_headers

reactor: Any = typed_reactor  # its type says that its methods take no self
# The largest body in this time is 70 kB a second. Who sends a byte now and then keeps a place that others need.
BODY_SECONDS = 60.0
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


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
    """Refuses a body over the limit as soon as it is announced or arrives, and one that does not come to its end in time.

    Nothing is kept of either. Of a program that may not send one, no body is read at all.

    Attributes:
        is_refused: the answer is written, and what still comes is thrown away.
    """

    is_refused = False
    _received = 0
    _limit = 0
    _door: Door | None = None
    _deadline: Any = None
    _asking: asyncio.Task[None] | None = None
    _room: _Room | None = None

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body" and not self.finished and self.channel is not None:
            self._watch_room(is_last=not message.get("more_body", False))
        super().handle_reply(message)

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:  # noqa: N802  # Twisted's name
        """Twisted's table ends in 2003, and calls 422 and 429 "Unknown Status"."""
        super().setResponseCode(code, message or _PHRASES.get(code))

    async def wait_for_room(self) -> None:
        """Return when the client has read most of what was written."""
        if self._room is not None:
            await self._room.wait()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # Twisted's name
        self._forget_deadline()
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
            self.channel.transport.is_prompt = False
        elif not is_last and self._room is None:
            self._room = _Room()
            self.registerProducer(self._room, streaming=True)
            self.channel.transport.is_prompt = True

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # Twisted's name
        head = self._read_head()
        self._door = find_door(head.path)
        self._limit = self._door.max_body_bytes if self._door else settings.MAX_BODY_BYTES
        if length is not None and length > self._limit:
            self._refuse_large()
            return
        if length != 0:
            self._deadline = reactor.callLater(BODY_SECONDS, self._refuse_slow)
        if length == 0 or self._door is None or is_wanted(head):
            super().gotLength(length)
        else:
            self.channel.hold()
            self._asking = asyncio.ensure_future(self._ask(head, length))

    def _read_head(self) -> Head:
        """The request itself learns its method and its address only when its body is there."""
        channel = self.channel
        path = channel._path.partition(b"?")[0].decode("latin-1")  # noqa: SLF001
        return Head(
            method=channel._command.decode("latin-1").upper(),  # noqa: SLF001
            path=unquote(path),
            authorization=self.requestHeaders.getRawHeaders(b"authorization", [b""])[0].decode("latin-1"),
            client=str(channel.getPeer().host),
        )

    async def _ask(self, head: Head, length: int | None) -> None:
        problem = await find_refusal(head)
        if self.channel is None:
            return  # the client did not wait
        if not self.is_refused:  # as too slow, meanwhile
            super().gotLength(length) if problem is None else self._refuse(problem)
        self.channel.go_on()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        if self.is_refused:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse_large()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        self._forget_deadline()
        return None if self.is_refused else super().process()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """daphne's own error page, without its inline style and with the headers of every other answer."""
        content_type, content = self._describe(status, f"{status_text.decode('ascii')}: {body}")
        headers = [*safe_headers(content_type.encode()), (b"Content-Length", str(len(content)).encode())]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": content})

    def _refuse_large(self) -> None:
        self._refuse(Problem(413, f"The body is larger than {self._limit} bytes; nothing here takes more."))

    def _refuse_slow(self) -> None:
        self._deadline = None
        self._refuse(Problem(408, f"The body did not come to its end within {BODY_SECONDS:g} s."))

    def _refuse(self, problem: Problem) -> None:
        self._forget_deadline()
        self.is_refused = True
        if self.content is not None:
            self.content.close()
        super().gotLength(0)
        described = self._describe(problem.status, str(problem))
        write_refusal(self.channel, HTTPStatus(problem.status), *described, more_headers=problem.headers)

    def _describe(self, status: int, text: str) -> tuple[str, bytes]:
        """Content type and body: in the programs' own form for them, as a line for everybody else."""
        if self._door is None:
            return "text/plain; charset=utf-8", f"{status} {text}\n".encode()
        sent = self.requestHeaders.getRawHeaders(b"content-type", [b""])[0]
        return self._door.describe(status, text, sent.decode("latin-1"))

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class BoundedHTTPFactory(HTTPFactory):  # type: ignore[misc]  # daphne carries no types
    protocol = staticmethod(make_protocol)

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  # Twisted's name
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
