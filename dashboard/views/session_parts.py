"""What the page of one session asks for besides its windows: matches, one remark as Markdown, its neighbours, a read mark."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chatlog.domain import limits
from chatlog.domain.models import Message, Session
from chatlog.domain.query import MAX_QUERY_CHARACTERS, MAX_TERMS
from chatlog.domain.search import Term, parse_terms
from chatlog.errors import InvalidNumber
from chatlog.services.browsing import find_newer, find_older
from chatlog.services.formats.markdown import escape
from dashboard import fragments, personal
from dashboard.numbers import find_number, read_number
from dashboard.stores import get_store

MOST_MATCHES = limits.MAX_LIST_LIMIT


@require_safe
async def session_find(request: HttpRequest, session_id: str) -> HttpResponse:
    """Which remarks hold the words of `q`: as JSON for the page's own find bar, as a page of links for everybody else.

    Not on the session's page itself: showing a page costs one query at the store, finding is another.
    """
    session = await get_store().get_session(session_id)
    text = request.GET.get("q", "").strip()
    terms, problem = _read_terms(text)
    found = [] if problem else await get_store().list_matches(session_id, terms, limit=MOST_MATCHES)
    if not problem and not found:
        problem = _("Nothing matches.")
    if "application/json" in request.headers.get("Accept", ""):
        marks = [[term.text, term.is_quoted] for term in terms]
        response: HttpResponse = JsonResponse({"sequences": found, "terms": marks, "problem": problem})
    else:
        context = {"session": session, "title": fragments.short_title(session), "text": text[:MAX_QUERY_CHARACTERS]}
        context |= {"sequences": found, "problem": problem, "is_cut": len(found) == MOST_MATCHES}
        response = render(request, "dashboard/session_find.html", context)
    patch_vary_headers(response, ["Accept"])
    return response


def _read_terms(text: str) -> tuple[tuple[Term, ...], str]:
    """The terms of a text, or why there are none."""
    if len(text) > MAX_QUERY_CHARACTERS:
        return (), _("That is longer than %(most)s characters.") % {"most": f"{MAX_QUERY_CHARACTERS:,}"}
    terms = parse_terms(text)
    if len(terms) > MAX_TERMS:
        return (), _("Those are more than %(most)s words.") % {"most": MAX_TERMS}
    return terms, "" if terms else _("Type a word to find.")


@require_safe
async def session_message(request: HttpRequest, session_id: str, number: str) -> HttpResponse:
    """One remark as it was said, under a quotation that tells who said it, when and where."""
    sequence = read_number(number, name="number")
    limits.check_number(sequence, field="number", minimum=1, maximum=limits.MAX_INTEGER)
    await get_store().get_session(session_id)
    found = await get_store().list_messages(session_id, after=sequence - 1, limit=1)
    if not found:
        text = _("There is no remark #%(number)s in this discussion so far.") % {"number": sequence}
        return render(request, "404.html", {"message": text}, status=404)
    response = HttpResponse(_as_markdown(request, found[0]), content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = "inline"
    return response


def _as_markdown(request: HttpRequest, message: Message) -> str:
    path = f"{reverse('session-detail', args=[message.session_id])}?at={message.sequence}#message-{message.sequence}"
    moment = localtime(message.timestamp)
    head = f"**{escape(message.source)}** · {moment:%Y-%m-%d %H:%M:%S} {moment.tzname()}"
    return f"> {head} · [#{message.sequence}]({request.build_absolute_uri(path)})\n\n{message.content}\n"


@require_safe
async def session_newer(request: HttpRequest, session_id: str) -> HttpResponse:
    """On to the session before this one in the list. Looked up only when somebody goes there."""
    session = await get_store().get_session(session_id)
    neighbour = await find_newer(get_store(), session)
    return _to(request, session_id, neighbour, _("This is the newest discussion."))


@require_safe
async def session_older(request: HttpRequest, session_id: str) -> HttpResponse:
    """On to the session after this one in the list."""
    session = await get_store().get_session(session_id)
    neighbour = await find_older(get_store(), session)
    return _to(request, session_id, neighbour, _("This is the oldest discussion."))


def _to(request: HttpRequest, session_id: str, neighbour: Session | None, end: str) -> HttpResponse:
    if neighbour is None:
        return render(request, "dashboard/session_end.html", {"session_id": session_id, "text": end})
    return HttpResponseRedirect(reverse("session-detail", args=[neighbour.session_id]), status=303)


@require_POST
async def session_read(request: HttpRequest, session_id: str) -> HttpResponse:
    """The person has seen the session up to `sequence`. Sent by the page's script, or by hand where none runs."""
    sequence = find_number(request.POST, "sequence")
    if sequence is None:
        raise InvalidNumber("sequence", "the number of the last remark seen is missing.")
    limits.check_sequence(sequence, field="sequence")
    session = await get_store().get_session(session_id)
    await personal.note_read(await personal.get_person(request), session.session_id, sequence)
    if request.POST.get("by") != "hand":
        return HttpResponse(status=204)
    return HttpResponseRedirect(reverse("session-detail", args=[session_id]), status=303)
