"""The wall: who is talking now, big enough to be read across a room."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chatlog.domain.clock import utc_now
from chatlog.services.watching import WallReader
from dashboard import wall_tiles
from dashboard.stores import get_store


@require_safe
async def live(request: HttpRequest) -> HttpResponse:
    """What goes on at this moment; a socket sends what comes after."""
    now = utc_now()
    wall = await WallReader(get_store()).read(now=now)
    return render(request, "dashboard/live.html", wall_tiles.wall_context(wall, now=now) | {"now": now})
