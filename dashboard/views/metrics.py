"""Figures for Prometheus, for whoever has the token. No login session is looked at or opened."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from chatlog.errors import ConfigurationError
from chatlog.storage.base import SessionStore
from dashboard import metrics as figures
from dashboard.feeds import hub
from dashboard.sockets import registry
from dashboard.stores import get_store


@login_not_required
@never_cache
@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        return _plain("There is nothing at this address.", status=404)
    if not _has_token(request):
        response = _plain("This needs the token of CHATLOG_METRICS_TOKEN: Authorization: Bearer …", status=401)
        response["WWW-Authenticate"] = "Bearer"
        return response
    text = figures.tell(
        store=_store(),
        viewers=registry.current.get().open_sockets,
        unacknowledged=hub.current.get().unacknowledged,
    )
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token.strip(), settings.METRICS_TOKEN)


def _store() -> SessionStore | None:
    try:
        return get_store()
    except ConfigurationError:  # pages say so; the figures are there all the same
        return None


def _plain(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
