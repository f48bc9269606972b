"""The list of sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.services.browsing import FrontPage, list_front_page, list_page
from dashboard import fragments
from dashboard.stores import get_store


@require_safe
async def session_list(request: HttpRequest) -> HttpResponse:
    now = utc_now()
    cursor = request.GET.get("cursor")
    if cursor is None:
        page = await list_front_page(get_store())
    else:
        older = await list_page(get_store(), cursor=cursor)
        page = FrontPage((), older.items, older.next_cursor)
    context = fragments.list_context(page, now=now)
    return render(
        request,
        "dashboard/session_list.html",
        {**context, "is_front_page": cursor is None, "next_cursor": page.next_cursor},
    )
