"""OpenInference, the conventions of Arize's instrumentations.

Source: https://arize-ai.github.io/openinference/spec/semantic_conventions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatlog.domain.models import MessageKind
from chatlog.services.graph_speakers import find_speaker
from chatlog.services.spans import values
from chatlog.services.spans.messages import list_parts
from chatlog.services.spans.openinference_tools import read_tool
from chatlog.services.spans.reading import Part, Reading, Role, Work
from chatlog.services.spans.span import Span

_KIND = "openinference.span.kind"
_WORK = {"LLM": Work.MODEL, "AGENT": Work.AGENT, "TOOL": Work.TOOL}


def is_openinference(span: Span) -> bool:
    """Whether a span speaks this dialect."""
    return _KIND in span.attributes


def read_openinference(span: Span) -> Reading:
    """What it tells."""
    found = span.attributes
    kind = values.as_text(found[_KIND]).upper()
    work = _WORK.get(kind, Work.OTHER)
    return Reading(
        work=work,
        agent=_agent(span, is_agent=work is Work.AGENT),
        conversation=values.text(found, "session.id", "gen_ai.conversation.id"),
        heard=_heard(found) if work in {Work.MODEL, Work.AGENT} else (),
        said=read_tool(span) if work is Work.TOOL else _said(found) if work is not Work.OTHER else (),
        usage=values.usage(values.count(found, "llm.token_count.prompt"), values.count(found, "llm.token_count.completion")),
        notes=_notes(found),
        # The span around a whole run is called what the run is.
        title=span.name if work is Work.AGENT and not span.parent_id else None,
    )


def _agent(span: Span, *, is_agent: bool) -> str | None:
    named = values.text(span.attributes, "agent.name", "gen_ai.agent.name", "graph.node.name", "graph.node.id")
    if named:
        return named
    metadata = values.parsed(span.attributes.get("metadata"))
    in_graph = find_speaker(metadata) if isinstance(metadata, Mapping) else None
    # A root names the run; who speaks in it is named below.
    return in_graph or (span.name if is_agent and span.parent_id else None)


def _heard(found: Mapping[str, Any]) -> tuple[Part, ...]:
    return _messages(found, "llm.input_messages", Role.PERSON) or _plain(found, "input", Role.PERSON)


def _said(found: Mapping[str, Any]) -> tuple[Part, ...]:
    return _messages(found, "llm.output_messages", Role.MODEL) or _plain(found, "output", Role.MODEL)


def _messages(found: Mapping[str, Any], prefix: str, role: Role) -> tuple[Part, ...]:
    return list_parts([_message(item) for item in values.spread(found, prefix)], role=role)


def _message(item: Mapping[str, Any]) -> dict[str, Any]:
    blocks = [_block(block) for block in values.spread(item, "message.contents")]
    calls = [
        {
            "id": call.get("tool_call.id"),
            "name": call.get("tool_call.function.name"),
            "arguments": call.get("tool_call.function.arguments"),
        }
        for call in values.spread(item, "message.tool_calls")
    ]
    if name := item.get("message.function_call_name"):
        calls.append({"name": name, "arguments": item.get("message.function_call_arguments_json")})
    return {
        "role": item.get("message.role"),
        "name": item.get("message.name"),
        "content": blocks or item.get("message.content"),
        "tool_calls": calls,
        "tool_call_id": item.get("message.tool_call_id"),
    }


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    found = {"type": block.get("message_content.type") or "text"}
    told = block.get("message_content.text")
    return found if told is None else {**found, "text": told}


def _plain(found: Mapping[str, Any], which: str, role: Role) -> tuple[Part, ...]:
    """`input.value` or `output.value` where it is what somebody said. As JSON it is a program's business."""
    value = found.get(f"{which}.value")
    is_json = found.get(f"{which}.mime_type") == "application/json" or not isinstance(values.parsed(value), str)
    if not isinstance(value, str) or is_json or not value.strip():
        return ()
    return (Part(kind=MessageKind.TEXT, text=value, role=role),)


def _notes(found: Mapping[str, Any]) -> dict[str, Any]:
    notes = {
        "model": values.text(found, "llm.response.model_name", "llm.model_name", "llm.request.model_name"),
        "provider": values.text(found, "llm.provider", "llm.system"),
    }
    return {name: note for name, note in notes.items() if note is not None}
