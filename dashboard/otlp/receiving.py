"""Spans come in over HTTP, as OpenTelemetry's exporters send them."""

from __future__ import annotations

import asyncio
import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from chatlog.services.spans.memory import SpanMemory
from chatlog.services.spans.recording_spans import SpanRecorder, Taken
from chatlog.services.spans.span import Span
from dashboard import signals
from dashboard.otlp.bodies import decompress
from dashboard.otlp.encodings import Encoding, describe_failure, describe_success, find_encoding
from dashboard.otlp.places import Places
from dashboard.per_loop import PerLoop
from dashboard.programs.access import WRITE
from dashboard.programs.problems import Problem, describe
from dashboard.stores import get_store

# Requests that are read at the same time. Each may be large, and take ten times as much memory meanwhile.
READ_AT_ONCE = 2
_MOST_REASONS = 3
logger = logging.getLogger(__name__)

memory: PerLoop[SpanMemory] = PerLoop(SpanMemory)
_places: PerLoop[Places] = PerLoop(Places)
_reading: PerLoop[asyncio.Semaphore] = PerLoop(lambda: asyncio.Semaphore(READ_AT_ONCE))


@login_not_required  # a token takes the place of a login
@csrf_exempt  # and nothing is believed because a cookie came along
async def otlp_traces(request: HttpRequest) -> HttpResponse:
    """When this answers, everything that these spans tell is stored for good. Sending them again stores nothing."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        grant = await WRITE(request)
        encoding = find_encoding(request.headers.get("Content-Type", ""))
        if encoding is None:
            known = " or ".join(each.value for each in Encoding)
            raise Problem(415, f"Content-Type: {request.content_type!r} is not understood. Send {known}.")
        async with _places.get().take():
            async with _reading.get():  # not while they are stored: a slow store would keep others from being read
                spans = await asyncio.to_thread(_read, request.body, request.headers.get("Content-Encoding", ""), encoding)
            taken = await SpanRecorder(get_store(), signals.current.get(), memory=memory.get()).record(spans)
        return _accept(taken, encoding, sent=len(spans), token_id=grant.token_id)
    except Exception as error:  # described, logged if nobody foresaw it, never shown
        return refuse(describe(error), content_type=request.headers.get("Content-Type", ""))


def _read(body: bytes, compression: str, encoding: Encoding) -> list[Span]:
    # Loaded with the first span: a site to which nobody exports does without.
    from dashboard.otlp import json_form, protobuf_form  # noqa: PLC0415

    plain = decompress(body, compression)
    return list(json_form.read_spans(plain) if encoding is Encoding.JSON else protobuf_form.read_spans(plain))


def _accept(taken: Taken, encoding: Encoding, *, sent: int, token_id: int) -> HttpResponse:
    """What was refused is told, and not sent again: it would be refused again. Logged too, for not every exporter shows it."""
    reasons = list(dict.fromkeys(taken.refused))
    more = len(reasons) - _MOST_REASONS
    text = " ".join(reasons[:_MOST_REASONS]) + (f" And {more} more reasons." if more > 0 else "")
    if taken.refused:
        logger.warning("token %d: %d of %d spans were refused: %s", token_id, len(taken.refused), sent, text)
    body = describe_success(encoding, refused=len(taken.refused), why=text)
    return HttpResponse(body, content_type=encoding.value, headers={"Cache-Control": "no-store"})


def refuse(problem: Problem, *, content_type: str) -> HttpResponse:
    """A problem in the form of OTLP, for a request of that content type. Exporters send again after 429 and 503 only."""
    kind, body = describe_failure(content_type, str(problem))
    headers = {"Cache-Control": "no-store", **problem.headers}
    # What is wrong with data is 400 here, where the API tells a wrong field from what is no JSON.
    status = 400 if problem.status == 422 else problem.status
    return HttpResponse(body, status=status, content_type=kind, headers=headers)
