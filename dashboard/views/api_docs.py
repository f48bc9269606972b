"""How programs use the site: the OpenAPI document as a page."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.api import streams, v1
from dashboard.api.reference.calls import Reference, read_document
from dashboard.api.reference.examples import write_curl
from dashboard.api.schemas import MAX_MESSAGES
from dashboard.programs import throttle


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """In a thread: whether somebody may make tokens is asked of the database."""
    scheme = "https" if settings.BEHIND_TLS else request.scheme  # a proxy that speaks TLS does not tell
    context = {
        "reference": _reference(),
        "variables": f"SITE={scheme}://{request.get_host()}\nCHATLOG_TOKEN=chatlog_…\nSESSION=session_…",
        "get_document": write_curl(method="GET", path=reverse("api:openapi")),
        "most_messages": MAX_MESSAGES,
        "most_of_a_body": f"{settings.MAX_API_BODY_BYTES >> 20} MB",
        "a_second": int(throttle.REQUESTS_PER_SECOND),
        "burst": int(throttle.BURST),
        "streams_per_token": streams.MAX_PER_TOKEN,
    }
    return render(request, "dashboard/api_docs.html", context)


@cache
def _reference() -> Reference:
    """The document is the same as long as the process runs."""
    return read_document(v1.api.document())
