"""Sessions: begun, listed, read, changed, deleted."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Query, Router

from chatlog.domain.ids import check_id
from chatlog.domain.models import draft_session
from chatlog.services.describing import describe_session
from chatlog.services.recording import record_change, record_deletion, record_session
from dashboard import signals
from dashboard.api.answers import answer, answer_read
from dashboard.api.filters import check_parameters, read_filter
from dashboard.api.schemas import Id, NewSession, SessionChange, SessionList, SessionOut, SessionQuery
from dashboard.api.times import read_time
from dashboard.programs.access import READ, WRITE
from dashboard.stores import get_store

router = Router(tags=["sessions"])


@router.post("/sessions", auth=WRITE, response={201: SessionOut}, summary="Begin a session")
async def create_session(request: HttpRequest, payload: NewSession) -> HttpResponse:
    """Sent again with the same `session_id` and `task`, it returns the session that is there."""
    check_parameters(request)
    values = payload.model_dump()
    if payload.created_at is not None:
        values["created_at"] = read_time(payload.created_at, field="created_at")
    session = draft_session(**values)
    stored = await record_session(get_store(), signals.current.get(), session=session)
    where = reverse("api:get_session", kwargs={"session_id": stored.session_id})
    return answer(describe_session(stored), status=201, Location=where)


@router.get("/sessions", auth=READ, response=SessionList, summary="List sessions")
async def list_sessions(request: HttpRequest, query: Query[SessionQuery]) -> HttpResponseBase:
    """The newest first, as many as `limit`; `next_cursor` leads to the older ones."""
    check_parameters(request, SessionQuery)
    page = await get_store().list_sessions(limit=query.limit, cursor=query.cursor, where=read_filter(query))
    found = {"items": [describe_session(session) for session in page.items], "next_cursor": page.next_cursor}
    return answer_read(request, found)


@router.get("/sessions/{session_id}", auth=READ, response=SessionOut, summary="Read a session")
async def get_session(request: HttpRequest, session_id: Id) -> HttpResponseBase:
    check_parameters(request)
    return answer_read(request, describe_session(await get_store().get_session(_checked(session_id))))


@router.patch("/sessions/{session_id}", auth=WRITE, response=SessionOut, summary="Change a session")
async def change_session(request: HttpRequest, session_id: Id, payload: SessionChange) -> HttpResponse:
    """What is left out, or null, stays as it is."""
    check_parameters(request)
    store = get_store()
    changed = await record_change(
        store,
        signals.current.get(),
        session_id=_checked(session_id),
        status=payload.status,
        title=payload.title,
        tags=payload.tags,
    )
    return answer(describe_session(changed))


@router.delete("/sessions/{session_id}", auth=WRITE, response={204: None}, summary="Delete a session")
async def delete_session(request: HttpRequest, session_id: Id) -> HttpResponse:
    """It is gone at once; for a week somebody who is logged in can restore it."""
    check_parameters(request)
    await record_deletion(get_store(), signals.current.get(), session_id=_checked(session_id))
    return HttpResponse(status=204)


def _checked(session_id: str) -> str:
    return check_id(session_id, field="session_id")
