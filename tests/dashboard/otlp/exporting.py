"""Sending a request as an exporter does, and reading its answer."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.dashboard.otlp.encoding import JSON
from tests.dashboard.programs.program import Answer, Program

TRACES = "/v1/traces"


async def export(program: Program, body: bytes, kind: str, **headers: str) -> Answer:
    answer = await program.send("POST", TRACES, body, content_type=kind, **headers)
    if answer.status not in {404, 415}:
        assert answer.headers["content-type"] == kind
    return answer


def partial(answer: Answer) -> tuple[int, str]:
    """How many spans were refused, and why."""
    if answer.headers["content-type"] == JSON:
        told = answer.json.get("partialSuccess", {})
        return int(told.get("rejectedSpans", 0)), told.get("errorMessage", "")
    response = ExportTraceServiceResponse.FromString(answer.body)
    return response.partial_success.rejected_spans, response.partial_success.error_message


def reason(answer: Answer) -> str:
    """The message of a `google.rpc.Status`: its field 2."""
    if answer.headers["content-type"] == JSON:
        return str(answer.json["message"])
    assert answer.body[:1] == b"\x12"
    size, start = answer.body[1], 2
    if size > 0x7F:
        size, start = (size & 0x7F) + (answer.body[2] << 7), 3
    assert len(answer.body) == start + size
    return answer.body[start:].decode()
