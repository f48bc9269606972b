"""A span as OpenTelemetry means it, in plain values: whoever received it has taken its encoding off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Whatever JSON can say. Structured attribute values keep their structure; bytes have become base64 text.
Attributes = Mapping[str, Any]

# The bits of an exporter's flags: that it knows whether the parent is in another process, and that it is.
# Source: SpanFlags in https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
_PARENT_IS_KNOWN, _PARENT_IS_REMOTE = 0x100, 0x200


def says_elsewhere(flags: int) -> bool:
    """Whether a span's flags say that its parent belongs to another process."""
    both = _PARENT_IS_KNOWN | _PARENT_IS_REMOTE
    return flags & both == both


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened during a span.

    Attributes:
        time: nanoseconds since 1970.
    """

    name: str
    time: int = 0
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One piece of work that has ended.

    Attributes:
        trace_id: 32 hexadecimal digits, in small letters.
        span_id: 16 of them.
        parent_id: of the span around it, empty for the root of its trace.
        parent_is_elsewhere: that span belongs to another process, by what its exporter says.
        start: nanoseconds since 1970.
        end: the same.
        failed: its status is ERROR.
        status_message: what its status says about that.
        scope: the name of the instrumentation that made it.
        resource: what is known of the process it comes from.
    """

    trace_id: str
    span_id: str
    parent_id: str = ""
    parent_is_elsewhere: bool = False
    name: str = ""
    start: int = 0
    end: int = 0
    attributes: Attributes = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    failed: bool = False
    status_message: str = ""
    scope: str = ""
    resource: Attributes = field(default_factory=dict)
