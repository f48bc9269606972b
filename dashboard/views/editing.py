"""Changing a session in place: its star, title and tags, and deleting it with a way back.

Each works as a plain form, which leads back to the list, and with htmx, which takes the pieces of the page that change.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.errors import InvalidInput
from chatlog.services.recording import record_change, record_deletion, record_restoration
from dashboard import fragments, personal, session_rows
from dashboard.list_filters import MAX_FILTER_BYTES, NAMES
from dashboard.signals import current as signals
from dashboard.stores import get_store
from dashboard.watching import refuse_if_only_watching


@require_POST
async def session_star(request: HttpRequest, session_id: str) -> HttpResponse:
    """Star a session, or take the star off: `starred` is 1 or 0."""
    session = await get_store().get_session(session_id)
    await personal.set_star(await personal.get_person(request), session_id, is_starred=request.POST.get("starred") == "1")
    return await _answer(request, session)


@require_http_methods(["GET", "HEAD", "POST"])
async def session_edit(request: HttpRequest, session_id: str) -> HttpResponse:
    """The form for title and tags, and what comes of it. Tags stand one on a line, or with commas between."""
    session = await get_store().get_session(session_id)
    refuse_if_only_watching()
    if request.method != "POST":
        return _form(request, session)
    title, tags = request.POST.get("title", "").strip(), _read_tags(request.POST.get("tags", ""), session)
    try:
        changed = await record_change(get_store(), signals.get(), session_id=session_id, title=title, tags=tags)
    except InvalidInput as error:
        return _form(request, session, error=error)
    return await _answer(request, changed)


@require_POST
async def session_delete(request: HttpRequest, session_id: str) -> HttpResponse:
    """Delete a session, and offer to undo it."""
    session = await get_store().get_session(session_id)
    await record_deletion(get_store(), signals.get(), session_id=session_id)
    text = _("Deleted “%(title)s”.") % {"title": fragments.short_title(session)}
    if not request.headers.get("HX-Request"):
        return _back(request, deleted=session_id)
    return HttpResponse(_notice(request, text, undo=session_id))


@require_POST
async def session_restore(request: HttpRequest, session_id: str) -> HttpResponse:
    """Undo a deletion."""
    session = await record_restoration(get_store(), signals.get(), session_id=session_id)
    if request.POST.get("to") == "session":
        return HttpResponseRedirect(reverse("session-detail", args=[session_id]), status=303)
    if not request.headers.get("HX-Request"):
        return _back(request)
    return HttpResponse(_notice(request, _("“%(title)s” is back.") % {"title": fragments.short_title(session)}))


def _read_tags(text: str, session: Session) -> list[str] | None:
    """`None` leaves them as they are: a tag with a comma of its own would not come back whole."""
    if text == _write_tags(session):
        return None
    return list(filter(None, (tag.strip() for tag in text.replace("\n", ",").split(","))))


def _write_tags(session: Session) -> str:
    return ", ".join(session.tags)


def _form(request: HttpRequest, session: Session, *, error: InvalidInput | None = None) -> HttpResponse:
    given = request.POST if request.method == "POST" else QueryDict()
    context = {
        "session": session,
        "element_id": session_rows.row_id(session),
        "title": fragments.short_title(session),
        "new_title": given.get("title", session.title or ""),
        "new_tags": given.get("tags", _write_tags(session)),
        "error": error,
        "wrong": error and error.field,  # the field to go to
        "back": _filters(request),
    }
    if not request.headers.get("HX-Request"):
        return render(request, "dashboard/session_edit.html", context, status=400 if error else 200)
    # Never a 4xx, after which htmx leaves the page alone: the form with its complaint is what the person needs to see.
    response = render(request, "dashboard/partials/edit_form.html", context)
    if error:  # it takes the place of the form, not of the row, which the next try needs
        response["HX-Retarget"] = f"#{context['element_id']} .edit-form"
    return response


async def _answer(request: HttpRequest, session: Session) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return _back(request)
    user = await personal.get_person(request)
    ids = [session.session_id]
    view = session_rows.PersonalView(frozenset(await personal.list_starred(user)), await personal.find_marks(user, ids))
    return HttpResponse(session_rows.session_row(session, now=utc_now(), view=view))


def _back(request: HttpRequest, **more: str) -> HttpResponse:
    query = QueryDict(mutable=True)
    query.update(QueryDict(_filters(request)))
    query.update(more)
    return HttpResponseRedirect(reverse("session-list") + (f"?{query.urlencode()}" if query else ""), status=303)


def _filters(request: HttpRequest) -> str:
    """The list's filters that the person came with: the list's own form sends them along as `back`."""
    back = request.POST.get("back") or request.GET.get("back") or ""
    given = QueryDict(back if len(back) <= MAX_FILTER_BYTES else "")  # a part of a filter would be another one
    query = QueryDict(mutable=True)
    for name in NAMES:
        query.setlist(name, given.getlist(name))
    return query.urlencode()


def _notice(request: HttpRequest, text: str, *, undo: str = "") -> str:
    return render_to_string("dashboard/partials/notice.html", {"text": text, "undo": undo, "oob": True}, request=request)
