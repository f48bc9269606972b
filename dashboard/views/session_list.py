"""The list of sessions, under filters and as one person sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.domain.ids import check_id
from chatlog.domain.models import Session, SessionState
from chatlog.services.browsing import list_front_page, list_page
from chatlog.storage.base import SessionStore
from dashboard import personal, session_rows
from dashboard.list_filters import ListFilter, read_filter
from dashboard.stores import get_store
from dashboard.watching import find_watched
from dashboard.wording import state_words

MOST_STARRED = 100


@require_safe
async def session_list(request: HttpRequest) -> HttpResponse:
    deleted = request.GET.get("deleted", "")
    if deleted:
        check_id(deleted, field="deleted")  # what cannot be an id has no address to undo it at
    wanted = read_filter(request.GET, zone=get_current_timezone())
    user = await personal.get_person(request)
    cursor = request.GET.get("cursor")
    context = await (_read_front_page(user, wanted) if cursor is None else _read_page(user, wanted, cursor))
    page = {
        "filter": wanted,
        "states": _state_choices(wanted),
        "chips": _chips(wanted),
        "is_front_page": cursor is None,
        # After deleting without htmx.
        "undo": deleted,
        "text": _("Deleted.") if deleted else "",
        "watched": await find_watched(),
    }
    return render(request, "dashboard/session_list.html", page | context)


async def _read_front_page(user: User, wanted: ListFilter) -> dict[str, Any]:
    store = get_store()
    page = await list_front_page(store, where=wanted.where)
    starred_ids = await personal.list_starred(user)
    starred = await _list_starred(store, wanted, starred_ids) if wanted.is_starred_first else []
    sessions = (*starred, *page.running, *page.sessions)
    marks = await personal.find_marks(user, [session.session_id for session in sessions])
    view = session_rows.PersonalView(frozenset(starred_ids), marks)
    return {
        **session_rows.list_context(page, now=utc_now(), starred=starred, view=view),
        **_suggestions(sessions),
        "count": _say_count(page.total, len(page.running) + len(page.sessions)),
        "next_cursor": page.next_cursor,
    }


async def _read_page(user: User, wanted: ListFilter, cursor: str) -> dict[str, Any]:
    page = await list_page(get_store(), cursor=cursor, where=wanted.where)
    marks = await personal.find_marks(user, [session.session_id for session in page.items])
    view = session_rows.PersonalView(frozenset(await personal.list_starred(user)), marks)
    now = utc_now()
    return {
        "rows": [session_rows.row_context(session, now=now, view=view) for session in page.items],
        **_suggestions(page.items),
        # Sessions of an older page are not the newest.
        "count": "" if page.total is None else _say_count(page.total, len(page.items)),
        "next_cursor": page.next_cursor,
        "previous_cursor": page.previous_cursor,
    }


async def _list_starred(store: SessionStore, wanted: ListFilter, ids: list[str]) -> list[Session]:
    now = utc_now()
    found = await store.get_sessions(ids[:MOST_STARRED])
    return [session for session in found if wanted.where.accepts(session, now=now)]


def _say_count(total: int | None, shown: int) -> str:
    if total is None:
        return _("the newest %(shown)s, and more") % {"shown": f"{shown:,}"}
    return ngettext("%(count)s session", "%(count)s sessions", total) % {"count": f"{total:,}"}


def _suggestions(sessions: Iterable[Session]) -> dict[str, list[str]]:
    """What the filters offer to be picked: names and tags of the sessions on the page."""
    found = list(sessions)
    return {
        "known_agents": sorted({name for session in found for name in session.participants}),
        "known_tags": sorted({tag for session in found for tag in session.tags}),
    }


def _chips(wanted: ListFilter) -> list[dict[str, str]]:
    labels = {
        "status": _("Status"),
        "agent": _("Agent"),
        "tag": _("Tag"),
        "from": _("From"),
        "to": _("To"),
        "began": _("Began in these days"),
        "tz": _("Days of"),
        "q": _("Task or title"),
        "starred": _("Starred first"),
    }
    states = {state.value: words for state, words in state_words().items()}
    return [
        {
            "label": labels[chip.name],
            "words": ""
            if chip.name in {"began", "starred"}
            else states.get(chip.value, chip.value)
            if chip.name == "status"
            else chip.value,
            "query_without": chip.query_without,
        }
        for chip in wanted.chips
    ]


def _state_choices(wanted: ListFilter) -> list[dict[str, object]]:
    words = state_words()
    return [{"value": state, "words": words[state], "is_chosen": state in wanted.where.states} for state in SessionState]
