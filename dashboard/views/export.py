"""Sessions to take along: one, or all that a filter shows, as a file that is written while it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_GET

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.errors import InvalidInput
from chatlog.services.exporting import export_sessions, list_all, list_one
from dashboard.export_formats import ExportFormat, disposition, get_format, stem_of, stem_of_list
from dashboard.list_filters import read_filter
from dashboard.stores import get_store

DEFAULT_FORMAT = "jsonl"
# Opened from the disk or inside a frame, the file may do nothing.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@require_GET
async def session_export(request: HttpRequest, session_id: str) -> StreamingHttpResponse:
    chosen = get_format(request.GET.get("format", DEFAULT_FORMAT))
    store = get_store()
    session = await store.get_session(session_id)
    return await _respond(chosen, list_one(store, session_id), stem=stem_of(session))


@require_GET
async def list_export(request: HttpRequest) -> StreamingHttpResponse:
    chosen = get_format(request.GET.get("format", DEFAULT_FORMAT))
    wanted = read_filter(request.GET, zone=timezone.get_current_timezone())
    if wanted.problems:
        raise InvalidInput("filter", " ".join(map(str, wanted.problems)))
    return await _respond(chosen, list_all(get_store(), where=wanted.where), stem=stem_of_list(utc_now()))


async def _respond(chosen: ExportFormat, sessions: AsyncIterable[Session], *, stem: str) -> StreamingHttpResponse:
    writer = chosen.make_writer(timezone.get_current_timezone(), translation.get_language() or "en")
    pieces = export_sessions(get_store(), sessions, writer=writer)
    # Beginning and first page come before the answer begins: a store that is away is an error page then, and no broken file.
    first = [await anext(pieces), await anext(pieces)]
    response = StreamingHttpResponse(_chain(first, pieces), content_type=chosen.content_type)
    response["Content-Disposition"] = disposition(stem, chosen.suffix)
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


async def _chain(first: list[bytes], rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        for piece in first:
            yield piece
        async for piece in rest:
            yield piece
