"""Spans out of a JSON body: protobuf's JSON, with ids in hexadecimal. Unknown fields are passed over, as they must be.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatlog.services.spans.span import Span, SpanEvent, says_elsewhere
from dashboard.otlp.counting import check_json
from dashboard.programs.json_bodies import read_json
from dashboard.programs.problems import Problem

# One level of a structured value takes four of these: kvlistValue, values, an item, value.
MAX_DEPTH = 100
_ERROR = (2, "STATUS_CODE_ERROR")  # protobuf's JSON has names, OTLP's has numbers; both are sent
_DIGITS = re.compile("-?[0-9]{1,20}")


def read_spans(body: bytes) -> Iterator[Span]:
    """Every span in it. Raises `Problem`."""
    check_json(body)
    request = read_json(body, max_depth=MAX_DEPTH)
    if not isinstance(request, dict):
        raise Problem(400, f"The body is {type(request).__name__}, not an object with resourceSpans.")
    for resource_spans in _objects(request, "resourceSpans"):
        resource = _attributes(_object(resource_spans, "resource"))
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            scope = _text(_object(scope_spans, "scope"), "name")
            for span in _objects(scope_spans, "spans"):
                yield _span(span, scope=scope, resource=resource)


def _span(span: dict[str, Any], *, scope: str, resource: dict[str, Any]) -> Span:
    status = _object(span, "status")
    return Span(
        trace_id=_text(span, "traceId").lower(),
        span_id=_text(span, "spanId").lower(),
        parent_id=_text(span, "parentSpanId").lower(),
        parent_is_elsewhere=says_elsewhere(_integer(span.get("flags")) or 0),
        name=_text(span, "name"),
        start=_number(span, "startTimeUnixNano"),
        end=_number(span, "endTimeUnixNano"),
        attributes=_attributes(span),
        events=tuple(
            SpanEvent(name=_text(event, "name"), time=_number(event, "timeUnixNano"), attributes=_attributes(event))
            for event in _objects(span, "events")
        ),
        failed=status.get("code") in _ERROR,
        status_message=_text(status, "message"),
        scope=scope,
        resource=resource,
    )


def _objects(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Problem(400, f"{name} is not a list of objects.")
    return value


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Problem(400, f"{name} is not an object.")
    return value


def _text(parent: dict[str, Any], name: str) -> str:
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Problem(400, f"{name} is {type(value).__name__}, not text.")
    return value


def _number(parent: dict[str, Any], name: str) -> int:
    """64 bits come as text, or as a number."""
    number = _integer(parent.get(name) or 0)
    if number is None or number < 0:
        raise Problem(400, f"{name} is no number of nanoseconds.")
    return number


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _attributes(parent: dict[str, Any]) -> dict[str, Any]:
    return _pairs(_objects(parent, "attributes"))


def _pairs(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {_text(pair, "key"): _value(pair.get("value")) for pair in pairs}


def _value(value: Any) -> Any:
    """What an AnyValue holds; nothing for what is none."""
    if not isinstance(value, dict):
        return None
    if "arrayValue" in value:
        return [_value(item) for item in _objects(_object(value, "arrayValue"), "values")]
    if "kvlistValue" in value:
        return _pairs(_objects(_object(value, "kvlistValue"), "values"))
    if "intValue" in value:
        return _integer(value["intValue"])
    return next((value[name] for name in ("stringValue", "boolValue", "doubleValue", "bytesValue") if name in value), None)
