"""Searching all discussions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.timezone import get_current_timezone
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.domain.query import Field, ParsedQuery, parse_query
from chatlog.services import searching
from chatlog.services.searching import FoundPage, FoundRemark, FoundSession
from dashboard import session_rows
from dashboard.search_wording import explain_nothing, explain_problem, say_count
from dashboard.speakers import get_speaker
from dashboard.stores import get_store


@require_safe
async def search(request: HttpRequest) -> HttpResponse:
    parsed = parse_query(request.GET.get("q", "").strip(), zone=get_current_timezone())
    cursor = request.GET.get("cursor")
    page = await searching.search(get_store(), parsed, cursor=cursor)
    return render(request, "dashboard/search.html", _query_context(parsed) | _page_context(parsed, page, cursor))


def _query_context(parsed: ParsedQuery) -> dict[str, Any]:
    return {
        "query": parsed,
        "problems": [explain_problem(problem) for problem in parsed.problems],
        "list_query": urlencode(_list_query(parsed), doseq=True),
        "is_help_open": not parsed.text or bool(parsed.problems),
    }


def _page_context(parsed: ParsedQuery, page: FoundPage, cursor: str | None) -> dict[str, Any]:
    now = utc_now()
    return {
        "found": [_session_context(found, now=now) for found in page.sessions],
        "count": say_count(page, is_first=cursor is None) if page.sessions else "",
        "reasons": list(explain_nothing(parsed)),
        "is_first": cursor is None,
        "next_cursor": page.next_cursor,
    }


def _session_context(found: FoundSession, *, now: datetime) -> dict[str, Any]:
    # The participants before any hit, so that everybody has the colour of the session's own page.
    row = session_rows.row_context(found.session, now=now)
    return row | {"remarks": [_remark_context(found, remark) for remark in found.remarks]}


def _remark_context(found: FoundSession, remark: FoundRemark) -> dict[str, Any]:
    speaker = None if remark.source is None else get_speaker(found.session.session_id, remark.source)
    return {"remark": remark, "speaker": speaker}


def _list_query(parsed: ParsedQuery) -> dict[str, tuple[str, ...]]:
    """The same filters as the list of sessions takes them in its address, where the last day is included."""
    query = {name.value: parsed.values.get(name, ()) for name in (Field.AGENT, Field.STATUS, Field.TAG)}
    if parsed.since is not None:
        query["from"] = (parsed.since.date().isoformat(),)
    if parsed.until is not None:
        query["to"] = ((parsed.until.date() - timedelta(days=1)).isoformat(),)
    return query
