"""Where messages stood before `gen_ai.input.messages`: in numbered attributes, and in events of the span."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatlog.services.spans import values
from chatlog.services.spans.messages import list_parts
from chatlog.services.spans.reading import Part, Role
from chatlog.services.spans.span import Span, SpanEvent

_CHOICE = "gen_ai.choice"
# Source: docs/gen-ai/gen-ai-events.md of open-telemetry/semantic-conventions up to 1.36. Instructions need no place here.
_GIVEN = {
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_BODIES = ("gen_ai.event.content", "event_body")  # where some put an event's whole content, as JSON


def heard_in_numbers(found: Mapping[str, Any]) -> tuple[Part, ...]:
    """`gen_ai.prompt.0.role`, `gen_ai.prompt.0.content` …"""
    return _numbered(found, "gen_ai.prompt", Role.PERSON)


def said_in_numbers(found: Mapping[str, Any]) -> tuple[Part, ...]:
    """`gen_ai.completion.0.content`, `gen_ai.completion.0.tool_calls.0.name` …"""
    return _numbered(found, "gen_ai.completion", Role.MODEL)


def heard_in_events(span: Span) -> tuple[Part, ...]:
    """What a model was given."""
    return list_parts([{"role": _GIVEN[event.name]} | _body(event) for event in span.events if event.name in _GIVEN])


def said_in_events(span: Span) -> tuple[Part, ...]:
    """What it answered."""
    return list_parts([_answer(_body(event)) for event in span.events if event.name == _CHOICE], role=Role.MODEL)


def _numbered(found: Mapping[str, Any], prefix: str, role: Role) -> tuple[Part, ...]:
    messages = []
    for item in values.spread(found, prefix):
        calls = values.spread(item, "tool_calls")
        message = {name: value for name, value in item.items() if not name.startswith("tool_calls.")}
        messages.append({**message, "tool_calls": calls} if calls else message)
    return list_parts(messages, role=role)


def _body(event: SpanEvent) -> dict[str, Any]:
    given = values.parsed(values.first(event.attributes, *_BODIES))
    return dict(given) if isinstance(given, Mapping) else dict(_unfolded(event.attributes.items()))


def _unfolded(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    """`message.content` as `content`: an attribute cannot hold an object."""
    return ((name.removeprefix("message."), value) for name, value in items)


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    message = values.parsed(body.get("message"))
    if isinstance(message, Mapping):
        return {**message, "role": "assistant"}
    if message is not None:
        return {"role": "assistant", "content": message}
    return {**body, "role": "assistant"}
