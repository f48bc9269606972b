"""A session as it goes on: server-sent events, from any message on, without a gap."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from chatlog.domain.ids import check_id
from chatlog.errors import StorageError
from dashboard.api import streams
from dashboard.api.filters import check_parameters
from dashboard.api.schemas import Count, Id
from dashboard.api.streams import Stream
from dashboard.feeds import hub
from dashboard.feeds.tail import FIRST_MESSAGES, Piece, SessionTail
from dashboard.programs.access import READ
from dashboard.programs.problems import RETRY_AFTER_SECONDS, Problem, wrong_field
from dashboard.stores import get_store

router = Router(tags=["messages"])
RETRY_SECONDS = 1.0
_BEGINNING = b"retry: 1000\n\n"
_STILL_THERE = b": still there\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy must hand on each event as it comes


class EventQuery(Schema):
    after: Count = Field(0, description="The sequence of the last message that is known already.")


@router.get(
    "/sessions/{session_id}/events",
    auth=READ,
    summary="Follow a session",
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Last-Event-ID",
                "schema": {"type": "string", "pattern": "^[0-9]{1,16}$"},
                "description": "As after, and stronger: what a client sends that comes back.",
            }
        ]
    },
)
async def follow_session(request: HttpRequest, session_id: Id, query: Query[EventQuery]) -> StreamingHttpResponse:
    """Server-sent events. Each message is one, with its sequence as `id` and the message as `data`.

    What is stored already comes first, then what is said from now on, for as long as you stay. An event `session` tells what
    the session itself looks like, at first and after changes; an event `end` says why nothing more comes.
    """
    check_parameters(request, EventQuery)
    after = _read_last_id(request) if "Last-Event-ID" in request.headers else query.after
    await get_store().get_session(check_id(session_id, field="session_id"))
    grant, token_hash = request.auth, request.token_hash  # type: ignore[attr-defined]  # see TokenAuth
    registry = streams.current.get()
    if registry.is_closing:
        raise Problem(503, "The server stops.", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    if not registry.has_room_for(grant.token_id):
        limit = f"{streams.MAX_PER_TOKEN} for a token, {streams.MAX_TOTAL} in all"
        raise Problem(429, f"Too many streams are open: the limit is {limit}. Close some.", headers={"Retry-After": "60"})

    async def events() -> AsyncIterator[bytes]:
        with registry.opened(token_id=grant.token_id, token_hash=token_hash) as stream:
            tail = hub.current.get().follow_session(session_id, stream.wake)
            try:
                async for piece in _follow(tail, stream, after=after):
                    stream.begin_sending()
                    yield piece
                    stream.end_sending()
            finally:
                hub.current.get().unfollow_session(tail, stream.wake)

    return StreamingHttpResponse(events(), content_type="text/event-stream", headers=_HEADERS)


async def _follow(tail: SessionTail, stream: Stream, *, after: int) -> AsyncIterator[bytes]:
    yield _BEGINNING
    news = b""
    to_read = FIRST_MESSAGES
    while not (stream.reason or tail.reason):
        stream.wake.clear()  # before taking: what comes from here on wakes us again
        if tail.news is not news:
            news = tail.news
            yield news
        piece = await _take(tail, after=after, to_read=to_read)
        if piece is not None:
            after, to_read = piece.last, piece.next_read
            yield piece.data
        elif stream.is_silent:
            yield _STILL_THERE
        else:
            await stream.wake.wait()
    yield b"event: end\ndata: " + json.dumps({"reason": stream.reason or tail.reason}).encode() + b"\n\n"


async def _take(tail: SessionTail, *, after: int, to_read: int) -> Piece | None:
    try:
        return await tail.take(after=after, to_read=to_read)
    except (StorageError, TimeoutError):  # the tail meets the same trouble, and logs it
        await asyncio.sleep(RETRY_SECONDS)
        return Piece(_STILL_THERE, after)


def _read_last_id(request: HttpRequest) -> int:
    text = request.headers["Last-Event-ID"]
    if not re.fullmatch(r"[0-9]{1,16}", text):  # sixteen digits hold 2**53 - 1, the highest sequence there can be
        raise wrong_field("Last-Event-ID", "is no message number.", value=text)
    return int(text)
