"""Spans out of a protobuf body."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from chatlog.services.spans.span import Span, SpanEvent, says_elsewhere
from dashboard.otlp.counting import check_protobuf
from dashboard.programs.problems import Problem

_REQUEST = ExportTraceServiceRequest.DESCRIPTOR


def read_spans(body: bytes) -> Iterator[Span]:
    """Every span in it. Raises `Problem`."""
    check_protobuf(body, _REQUEST)
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Problem(400, f"The body is not an ExportTraceServiceRequest in protobuf: {error}.") from error
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _span(span, scope=scope_spans.scope.name, resource=resource)


def _span(span: Message, *, scope: str, resource: dict[str, Any]) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        parent_is_elsewhere=says_elsewhere(span.flags),
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(
            SpanEvent(name=event.name, time=event.time_unix_nano, attributes=_attributes(event.attributes))
            for event in span.events
        ),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        status_message=span.status.message,
        scope=scope,
        resource=resource,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)
