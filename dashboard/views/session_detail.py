"""One session: what was said, and what is being said. A long one is shown in windows, of which each can be linked to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.services.browsing import Transcript, get_around, get_earlier, get_later, get_newest
from chatlog.storage.base import SessionStore
from dashboard import fragments, personal
from dashboard.numbers import find_number
from dashboard.stores import get_store
from dashboard.watching import find_watched


@require_safe
async def session_detail(request: HttpRequest, session_id: str) -> HttpResponse:
    """The newest window; with `at`, `before` or `after`, that part. A script that asks gets the part alone."""
    store = get_store()
    session = await store.get_session(session_id)
    fragments.introduce_speakers(session)  # before any row, so that everybody keeps their colour
    part = await _read_window(request, store, session_id)
    is_part = bool(request.headers.get("HX-Request"))
    missing = ""
    if not part.messages and session.message_count and not is_part:
        part, missing = await get_newest(store, session_id), _say_missing(request)
    context = await _window_context(part, session)
    if is_part:
        response = render(request, "dashboard/partials/window.html", context | {"is_part": True})
    else:
        context |= _page_context(session, part) | await _personal_context(request, session, part)
        context |= {"missing": missing, "watched": await find_watched()}
        response = render(request, "dashboard/session_detail.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


async def _read_window(request: HttpRequest, store: SessionStore, session_id: str) -> Transcript:
    before, after, at = (find_number(request.GET, name) for name in ("before", "after", "at"))
    if at is not None:
        return await get_around(store, session_id, sequence=at)
    if after is not None:
        return await get_later(store, session_id, after=after)
    return await get_earlier(store, session_id, before=before)


async def _window_context(part: Transcript, session: Session) -> dict[str, Any]:
    rows = await fragments.render_rows(part.messages, previous=part.previous)
    return {
        "rows": fragments.as_html(rows),
        "first_sequence": part.first_sequence,
        "last_sequence": part.last_sequence,
        "earlier": max(0, part.first_sequence - 1),
        "has_later": part.has_later and bool(rows),
        "later": max(0, session.message_count - part.last_sequence),
    }


def _page_context(session: Session, part: Transcript) -> dict[str, Any]:
    title = fragments.short_title(session)
    return {
        **fragments.session_context(session, last_sequence=part.last_sequence, now=utc_now()),
        "title": title,
        # Whatever the headline leaves out: the rest of a long title, and the task itself.
        "untold": [text for text in dict.fromkeys((session.title, session.task)) if text and text.strip() != title],
    }


async def _personal_context(request: HttpRequest, session: Session, part: Transcript) -> dict[str, Any]:
    """Where the person was. Looking moves no mark, for browsers also fetch what nobody reads: see `session_read`."""
    marks = await personal.find_marks(await personal.get_person(request), [session.session_id])
    mark = marks.get(session.session_id, 0)
    count = max(session.message_count, part.last_sequence)
    return {"mark": mark, "unread": count - mark if 0 < mark < count else 0, "find": request.GET.get("find")}


def _say_missing(request: HttpRequest) -> str:
    if at := request.GET.get("at"):
        return _("There is no remark #%(number)s so far. These are the newest.") % {"number": at}
    if after := request.GET.get("after"):
        return _("Nothing has been said after remark #%(number)s so far. These are the newest.") % {"number": after}
    return _("There is nothing before the first remark. These are the newest.")
