"""Traces: what remarks cost that come in as spans, against the same number in lists over the API, on the same server."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from benchmarks import http_api
from benchmarks.http_api import CALLERS, LIST, REPEATS
from benchmarks.report import Report
from benchmarks.saving import TEXT

_CONVERSATION = "benchmark-of-spans"
# As long as what takes their place: a protobuf field says how long it is.
_SPAN, _TRACE = b"_SPAN_ID", b"_____TRACE_ID___"
_traces, _spans = itertools.count(1), itertools.count(1)


def measure() -> Report:
    spans: list[float] = []
    lists: list[float] = []
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder, http_api.servers(Path(folder)) as (site, _):
        for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits both
            spans.append(LIST * http_api.rate(site, _post(site)))
            lists.append(LIST * http_api.rate(site, http_api.post(site, messages=LIST), status=b"201"))
        _check_stored(site, at_least=LIST * REPEATS)
    name = f"messages in {LIST} GenAI spans at a time / in lists of {LIST}"
    title = f"Traces (daphne, SQLite, {CALLERS} exporters, protobuf, medians of {REPEATS})"
    return Report(title, [http_api.compare(name, spans, lists, least=0.25, unit="")])


def _post(server: dict[str, Any]) -> Callable[[], bytes]:
    body: bytes = _request().replace(b"%", b"%%").replace(_SPAN, b"%08d").replace(_TRACE, b"%016d")
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{server['port']}\r\nAuthorization: Bearer {server['token']}\r\n"
        "Content-Type: application/x-protobuf\r\n"
    )

    def next_request() -> bytes:
        trace = next(_traces)
        numbers = ((trace, span, span) for span in itertools.islice(_spans, LIST))
        filled: bytes = body % tuple(itertools.chain.from_iterable(numbers))
        return f"{head}Content-Length: {len(filled)}\r\n\r\n".encode() + filled

    return next_request


def _request() -> bytes:
    """A trace whose spans are models that were asked and said something, a different thing each time."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    said = [{"role": "assistant", "parts": [{"type": "text", "content": f"{_SPAN.decode()} {TEXT}"}]}]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": _CONVERSATION,
        "gen_ai.agent.name": "market_analyst",
        "gen_ai.output.messages": json.dumps(said, ensure_ascii=False),
    }
    pairs = [KeyValue(key=name, value=AnyValue(string_value=value)) for name, value in attributes.items()]
    now = time.time_ns()
    for _ in range(LIST):
        span = spans.add(trace_id=_TRACE, span_id=_SPAN, name="chat", attributes=pairs)
        span.start_time_unix_nano, span.end_time_unix_nano = now, now
    serialized: bytes = request.SerializeToString()
    return serialized


def _check_stored(site: dict[str, Any], *, at_least: int) -> None:
    """An exporter is told that all went well even where a span tells nothing."""
    address = f"http://127.0.0.1:{site['port']}/api/v1/sessions/{_CONVERSATION}"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {site['token']}"})
    with urllib.request.urlopen(asked) as answer:  # noqa: S310  # our own server's
        count = json.load(answer)["message_count"]
    if count < at_least:
        raise SystemExit(f"Of the spans only {count} messages came.")
