"""Health for machines. Anybody may ask: the answers tell nothing about what is stored."""

from __future__ import annotations

import asyncio
import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import lifecycle
from dashboard.signals import SESSIONS_GROUP, get_layer
from dashboard.stores import get_store

logger = logging.getLogger(__name__)
PING_SECONDS = 2.0


@login_not_required
@never_cache
@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is touched."""
    return _plain("ok")


@login_not_required
@never_cache
@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """Requests are welcome: the site is not going down, the store answers, signals can be sent."""
    if lifecycle.is_draining():
        return _plain("going down", status=503)
    for part, ping in (("store", _ping_store), ("signals", _ping_signals)):
        try:
            async with asyncio.timeout(PING_SECONDS):
                await ping()
        except Exception as error:  # whatever a driver raises, the answer is "not ready"; details go to the log only
            logger.warning("Not ready: the %s did not answer (%s: %s).", part, type(error).__name__, error)
            return _plain(f"{part}: no answer", status=503)
    return _plain("ready")


async def _ping_store() -> None:
    await get_store().ping()


async def _ping_signals() -> None:
    await get_layer().group_send(SESSIONS_GROUP, {"type": "session.ping"})


def _plain(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
