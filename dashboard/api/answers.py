"""Answers, and those that need not be sent again. What sessions and messages look like in them: `services.describing`."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from dashboard.programs.json_bodies import to_json


def answer(value: Any, *, status: int = 200, **headers: str) -> HttpResponse:
    """What was done; nobody keeps it."""
    headers = {"Cache-Control": "no-store", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return HttpResponse(to_json(value), status=status, content_type="application/json", headers=headers)


def answer_read(request: HttpRequest, value: Any) -> HttpResponseBase:
    """What was asked for; nothing but "it is the same" for whoever has it (`If-None-Match`)."""
    body = to_json(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    response = HttpResponse(body, content_type="application/json", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response
