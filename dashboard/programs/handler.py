"""Requests of programs, past everything that is for browsers: no login session, no CSRF token, no language, no thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import set_script_prefix
from django.utils.encoding import escape_uri_path

from chatlog.domain.charges import measure_charges
from dashboard.programs import audit
from dashboard.programs.problems import Problem, describe
from dashboard.safe_headers import safe_headers

_HEADERS = {name.decode("ascii"): value.decode("ascii") for name, value in safe_headers(b"")[1:]}


class ProgramRequest(ASGIRequest):
    @property
    def body(self) -> bytes:
        """All of it; its size was looked at when it came in, by another limit than that of people's forms."""
        if not hasattr(self, "_body"):
            self._body = self.read()
        return self._body


class BrokenOff(Exception):
    """An answer was given up in its middle."""


class _TooLarge(BytesIO):
    """Stands for a body of which nothing was kept."""


class ProgramHandler(ASGIHandler):
    """Django's handler with a chain of its own. Every answer is a problem or one of the API's, and has the safe headers."""

    request_class = ProgramRequest
    max_body_bytes = settings.MAX_API_BODY_BYTES
    _get_response_async: Callable[[HttpRequest], Awaitable[HttpResponse]]  # Django's own: finds the view and calls it

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002  # Django's signature
        nothing: list[Any] = []
        self._view_middleware = self._template_response_middleware = self._exception_middleware = nothing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Without Django's signals and its thread for each request: together they cost more than saving a message.

        They are there for views that keep a database connection; ours borrow one from Channels, which looks after it.
        """
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        request, refusal = self.create_request(scope, body)
        response = refusal if request is None else await self.get_response_async(request)
        _complete_headers(response)
        if request is not None and request.method == "HEAD":
            response = await _take_head(response)
        if response.streaming:
            await self._stream(response, scope, receive, send)
        else:
            await self.send_response(response, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        with measure_charges(f"{request.method} {escape_uri_path(request.path)}"):
            try:
                response = await self._find_response(request)
            except Exception as error:  # described, logged if nobody foresaw it, never shown
                response = self.refuse(describe(error), content_type=request.META.get("CONTENT_TYPE", ""))
        if isinstance(response, HttpResponseNotAllowed):
            problem = _not_allowed(request, response)
            response = self.refuse(problem, content_type=request.META.get("CONTENT_TYPE", ""))
        audit.note(
            status=response.status_code,
            method=request.method or "",
            path=request.path,
            grant=getattr(request, "auth", None),
            client=request.META.get("REMOTE_ADDR", "somebody"),
        )
        return response

    async def _find_response(self, request: HttpRequest) -> HttpResponse:
        """HEAD is answered as GET would be, wherever there is one. Source: RFC 9110, section 9.3.2"""
        method = request.method
        request.method = "GET" if method == "HEAD" else method
        try:
            return await self._get_response_async(request)
        finally:
            request.method = method

    async def _stream(self, response: HttpResponse, scope: Any, receive: Any, send: Any) -> None:
        """Until it is over or nobody reads it any more."""
        sending = asyncio.create_task(_send_pieces(response, send))
        leaving = asyncio.create_task(receive())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_over = sending.done()
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            # Nobody else closes it: it would keep its place until somebody collects it.
            await response._iterator.aclose()  # type: ignore[attr-defined]  # noqa: SLF001  # an asynchronous generator
        if is_over:
            # An answer that broke off, or was broken off: the server has to know, so that it looks like that to the client.
            if sending.cancelled():
                raise BrokenOff(f"The reader of {scope['path']!r} did not take what it was sent.")
            sending.result()

    async def read_body(self, receive: Any) -> BytesIO:
        """Servers other than ours hand on whatever comes."""
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            size += len(message.get("body", b""))
            if size <= self.max_body_bytes:
                pieces.append(message.get("body", b""))
            else:
                pieces.clear()
            if not message.get("more_body", False):
                return BytesIO(b"".join(pieces)) if size <= self.max_body_bytes else _TooLarge()

    def create_request(self, scope: Any, body_file: IO[bytes]) -> tuple[Any, Any]:
        if isinstance(body_file, _TooLarge):
            problem = Problem(413, f"The body is larger than {self.max_body_bytes} bytes. Send less at once.")
            return None, self.refuse(problem, content_type=_content_type(scope))
        request, refusal = super().create_request(scope, body_file)
        if refusal is not None:
            refusal = self.refuse(Problem(400, "The address or a header is not text."), content_type=_content_type(scope))
        return request, refusal

    def refuse(self, problem: Problem, *, content_type: str) -> HttpResponse:
        """The answer to a request with that content type."""
        return problem.response()


async def _send_pieces(response: Any, send: Any) -> None:
    """As Django does, without the generators in which it wraps each piece twice."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for piece in response._iterator:  # noqa: SLF001  # its other ways to it are the wrappers
        await send({"type": "http.response.body", "body": response.make_bytes(piece), "more_body": True})
    await send({"type": "http.response.body"})


def _complete_headers(response: HttpResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not response.streaming:
        response.headers.setdefault("Content-Length", str(len(response.content)))


async def _take_head(response: HttpResponse) -> HttpResponse:
    """The same answer without its body, of which nothing is made if it would be made piece by piece."""
    if response.streaming:
        await response._iterator.aclose()  # type: ignore[attr-defined]  # noqa: SLF001  # as in `_stream`
        return HttpResponse(status=response.status_code, headers=response.headers)
    response.content = b""
    return response


def _content_type(scope: Any) -> str:
    return str(dict(scope["headers"]).get(b"content-type", b"").decode("latin-1"))


def _not_allowed(request: HttpRequest, refused: HttpResponseNotAllowed) -> Problem:
    methods = set(refused.headers["Allow"].split(", "))
    allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    text = f"{request.method} is not possible here; {allowed} is."
    return Problem(405, text, headers={"Allow": allowed})
