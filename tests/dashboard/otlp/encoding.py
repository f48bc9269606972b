"""Spans as exporters put them into requests, with OpenTelemetry's own messages."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from chatlog.services.spans.span import Span

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_HEX = {"traceId", "spanId", "parentSpanId"}


def as_protobuf(*spans: Span) -> bytes:
    return _request(spans).SerializeToString()


def as_json(*spans: Span) -> bytes:
    return json.dumps(_with_hex_ids(MessageToDict(_request(spans), use_integers_for_enums=True))).encode()


def _request(spans: tuple[Span, ...]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for span in spans:
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_pairs(span.resource))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = span.scope
        made = scope_spans.spans.add(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_id),
            flags=0x300 if span.parent_is_elsewhere else 0x100,
            name=span.name,
            start_time_unix_nano=span.start,
            end_time_unix_nano=span.end,
            attributes=_pairs(span.attributes),
        )
        made.status.code = 2 if span.failed else 0
        made.status.message = span.status_message
        for event in span.events:
            made.events.add(name=event.name, time_unix_nano=event.time, attributes=_pairs(event.attributes))
    return request


def _pairs(attributes: Any) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    made = AnyValue()
    match value:
        case bool():
            made.bool_value = value
        case int():
            made.int_value = value
        case float():
            made.double_value = value
        case str():
            made.string_value = value
        case list():
            made.array_value.values.extend(_value(item) for item in value)
            made.array_value.SetInParent()
        case dict():
            made.kvlist_value.values.extend(_pairs(value))
            made.kvlist_value.SetInParent()
    return made


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(inner).hex().upper() if name in _HEX else _with_hex_ids(inner) for name, inner in value.items()
    }
