"""OpenTelemetry's own conventions for generative AI, in all their ages.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/ and the changelog of open-telemetry/semantic-conventions: messages
were numbered attributes first (OpenLLMetry's, which still sends them), then events of the span, then `gen_ai.input.messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatlog.domain.models import MessageKind
from chatlog.services.spans import values
from chatlog.services.spans.genai_old import heard_in_events, heard_in_numbers, said_in_events, said_in_numbers
from chatlog.services.spans.messages import list_parts
from chatlog.services.spans.reading import Part, Reading, Role, Work
from chatlog.services.spans.span import Span

_PREFIX = "gen_ai."
_WORK = {
    "chat": Work.MODEL,
    "completion": Work.MODEL,
    "text_completion": Work.MODEL,
    "generate_content": Work.MODEL,
    "invoke_agent": Work.AGENT,
    "invoke_workflow": Work.AGENT,
    "agent": Work.AGENT,
    "workflow": Work.AGENT,
    "execute_tool": Work.TOOL,
    "tool": Work.TOOL,
}
_CONVERSATION = ("gen_ai.conversation.id", "session.id")
# OpenLLMetry's, by which a program says what its spans belong to.
_ASSOCIATED = tuple(f"traceloop.association.properties.{name}" for name in ("session_id", "thread_id", "conversation_id"))
_DETAILS = "gen_ai.client.inference.operation.details"  # the event that may hold the messages instead


def is_genai(span: Span) -> bool:
    """Whether a span speaks this dialect."""
    return any(name.startswith((_PREFIX, "traceloop.")) for name in span.attributes)


def read_genai(span: Span) -> Reading:
    """What it tells."""
    found = _with_details(span)
    operation = values.text(found, "gen_ai.operation.name", "traceloop.span.kind", "llm.request.type")
    work = _WORK.get(operation or "", Work.OTHER)
    entity = values.text(found, "traceloop.entity.name")
    return Reading(
        work=work,
        agent=values.text(found, "gen_ai.agent.name") or (entity if operation == "agent" else None),
        conversation=values.text(found, *_CONVERSATION, *_ASSOCIATED),
        heard=() if work is Work.TOOL else _heard(span, found),
        said=_tool(span, found, entity) if work is Work.TOOL else _said(span, found),
        usage=values.usage(
            values.count(found, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
            values.count(found, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        ),
        notes=_notes(found),
        title=values.text(found, "gen_ai.workflow.name", "traceloop.workflow.name"),
    )


def _with_details(span: Span) -> Mapping[str, Any]:
    details = next((event.attributes for event in span.events if event.name == _DETAILS), None)
    return span.attributes if details is None else {**details, **span.attributes}


def _heard(span: Span, found: Mapping[str, Any]) -> tuple[Part, ...]:
    return list_parts(found.get("gen_ai.input.messages")) or heard_in_numbers(found) or heard_in_events(span)


def _said(span: Span, found: Mapping[str, Any]) -> tuple[Part, ...]:
    listed = list_parts(found.get("gen_ai.output.messages"), role=Role.MODEL)
    return listed or said_in_numbers(found) or said_in_events(span)


def _tool(span: Span, found: Mapping[str, Any], entity: str | None) -> tuple[Part, ...]:
    """The call and its result, as far as they are told."""
    call_id = values.text(found, "gen_ai.tool.call.id")
    name = values.text(found, "gen_ai.tool.name") or entity or span.name
    given = values.text(found, "gen_ai.tool.call.arguments", "traceloop.entity.input")
    result = values.text(found, "gen_ai.tool.call.result", "traceloop.entity.output")
    parts = []
    if given is not None:
        parts.append(Part(kind=MessageKind.TOOL_CALL, text=given, tool=name, call_id=call_id))
    if result is not None:
        parts.append(Part(kind=MessageKind.TOOL_RESULT, role=Role.TOOL, text=result, tool=name, call_id=call_id))
    return tuple(parts)


def _notes(found: Mapping[str, Any]) -> dict[str, Any]:
    notes = {
        "model": values.text(found, "gen_ai.response.model", "gen_ai.request.model"),
        "provider": values.text(found, "gen_ai.provider.name", "gen_ai.system"),
        "response_id": values.text(found, "gen_ai.response.id"),
    }
    return {name: note for name, note in notes.items() if note is not None}
