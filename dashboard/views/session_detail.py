"""One session: what was said, and what is being said."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.errors import InvalidNumber
from chatlog.services.browsing import Transcript, get_earlier
from dashboard import fragments
from dashboard.stores import get_store


@require_safe
async def session_detail(request: HttpRequest, session_id: str) -> HttpResponse:
    before = _read_number(request, "before")
    store = get_store()
    session = await store.get_session(session_id)
    fragments.introduce_speakers(session)  # before any row, so that everybody keeps their colour
    transcript = await get_earlier(store, session_id, before=before)
    rows = await fragments.render_rows(transcript.messages, previous=transcript.previous)
    context = {"rows": fragments.as_html(rows), "first_sequence": transcript.first_sequence}
    if before is not None and request.headers.get("HX-Request"):
        return render(request, "dashboard/partials/earlier_rows.html", context)
    return render(request, "dashboard/session_detail.html", context | _page_context(session, transcript))


def _page_context(session: Session, transcript: Transcript) -> dict[str, object]:
    title = fragments.short_title(session)
    return {
        **fragments.session_context(session, last_sequence=transcript.last_sequence, now=utc_now()),
        "title": title,
        # Whatever the headline leaves out: the rest of a long title, and the task itself.
        "untold": [text for text in dict.fromkeys((session.title, session.task)) if text and text.strip() != title],
        "last_sequence": transcript.last_sequence,
    }


def _read_number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise InvalidNumber(name, f"{text[:40]!r} is not the number of a remark.")
    return int(text)
