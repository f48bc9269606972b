"""Messages: sent one by one or in lists, stored once however often they are sent, and read from any place on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Body, Query, Router

from chatlog.domain.ids import check_id
from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import IdempotencyConflict, InvalidInput, ItemTooLarge
from chatlog.services.describing import describe_message
from chatlog.services.recording import record_messages
from chatlog.storage.base import SessionStore
from dashboard import signals
from dashboard.api.answers import answer, answer_read
from dashboard.api.filters import check_parameters
from dashboard.api.schemas import Id, MessageList, MessageQuery, NewMessage, NewMessages, Stored
from dashboard.api.times import read_time
from dashboard.programs.access import READ, WRITE
from dashboard.programs.problems import Problem, wrong_field
from dashboard.stores import get_store

router = Router(tags=["messages"])
# A page of remarks is cut where it gets larger, and read in pieces, which begin small, so that neither is held in memory many
# times over.
MAX_PAGE_CHARACTERS = 4_000_000
FIRST_MESSAGES = 8
PIECE_MESSAGES = 64


@router.post(
    "/sessions/{session_id}/messages", auth=WRITE, response={201: Stored | list[Stored]}, summary="Send one message or a list"
)
async def create_messages(request: HttpRequest, session_id: Id, payload: Body[NewMessages]) -> HttpResponse:
    """When this returns, every one of them is stored for good. A list is answered with a list, in its order.

    A message whose `message_id` is stored already is not stored again: its number is returned. Of a list in which one message
    cannot be stored, none is; the problem names its place. Without an answer, send the same again.
    """
    check_parameters(request)
    sent = payload if isinstance(payload, list) else [payload]
    is_list = isinstance(payload, list)
    drafts = [_draft(message, place=number if is_list else None) for number, message in enumerate(sent)]
    _check_agreement(drafts)
    try:
        stored = await record_messages(
            get_store(), signals.current.get(), session_id=check_id(session_id, field="session_id"), drafts=drafts
        )
    except IdempotencyConflict as error:
        raise _name_conflict(error, drafts, is_list=is_list) from error
    results = [{"sequence": message.sequence, "message_id": message.message_id} for message in stored]
    return answer(results if is_list else results[0], status=201)


@router.get("/sessions/{session_id}/messages", auth=READ, response=MessageList, summary="Read messages")
async def list_messages(request: HttpRequest, session_id: Id, query: Query[MessageQuery]) -> HttpResponseBase:
    """What comes after `after`, in order and without a hole; fewer than `limit` where they are long."""
    check_parameters(request, MessageQuery)
    store = get_store()
    await store.get_session(check_id(session_id, field="session_id"))
    items, is_all = await _read_page(store, session_id, after=query.after, limit=query.limit)
    return answer_read(request, {"items": items, "next_after": None if is_all else items[-1]["sequence"]})


async def _read_page(store: SessionStore, session_id: str, *, after: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The messages, and whether there are no more."""
    items: list[dict[str, Any]] = []
    size, most = 0, FIRST_MESSAGES
    while len(items) < limit:
        wanted = min(most, limit - len(items))
        piece: Sequence[Message] = await store.list_messages(session_id, after=after, limit=wanted)
        for message in piece:
            size += len(message.content)
            items.append(describe_message(message))
            if size >= MAX_PAGE_CHARACTERS:
                return items, False
        if len(piece) < wanted:
            return items, True
        after, most = piece[-1].sequence, min(2 * most, PIECE_MESSAGES)
    return items, not await store.list_messages(session_id, after=after, limit=1)


def _draft(sent: NewMessage, *, place: int | None) -> MessageDraft:
    where = "" if place is None else f"[{place}]."
    values = {name: value for name, value in sent.__dict__.items() if value is not None}
    try:
        if "timestamp" in values:
            values["timestamp"] = read_time(values["timestamp"], field=f"{where}timestamp")
        return MessageDraft(**values)
    except InvalidInput as error:
        message = str(error).removeprefix(f"{error.field}: ")
        raise wrong_field(where + error.field, message, status=413 if isinstance(error, ItemTooLarge) else 422) from error


def _check_agreement(drafts: Sequence[MessageDraft]) -> None:
    """Raise `Problem` for the first that has the id of one before it and says something else. A store would not say which."""
    first: dict[str, int] = {}
    for place, draft in enumerate(drafts):
        before = first.setdefault(draft.message_id, place)
        if not draft.says_the_same_as(drafts[before]):
            message = f"is used by [{before}] of this list, with another source or content. Give every remark an id of its own."
            raise wrong_field(f"[{place}].message_id", message, value=draft.message_id, status=409)


def _name_conflict(error: IdempotencyConflict, drafts: Sequence[MessageDraft], *, is_list: bool) -> Problem:
    place = next((number for number, draft in enumerate(drafts) if draft.message_id == error.message_id), 0)
    field = f"[{place}].message_id" if is_list else "message_id"
    return wrong_field(field, str(error), value=error.message_id, status=409)
