"""OpenInference's spans of tools: calls, results and hand-overs, as the instrumentations write them down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.domain.models import MessageKind
from chatlog.services.spans import values
from chatlog.services.spans.reading import Part, Role
from chatlog.services.spans.span import Span

# openinference-instrumentation-openai-agents names the span so, and puts the two agents into input and output.
_HANDOFF = "handoff to "


def read_tool(span: Span) -> tuple[Part, ...]:
    """What was called and what came of it, as far as the span tells."""
    name = values.text(span.attributes, "tool.name")
    if name is None and span.name.startswith(_HANDOFF):
        target = values.text(span.attributes, "output.value") or span.name.removeprefix(_HANDOFF)
        return (_handoff(target, by=values.text(span.attributes, "input.value")),)
    return tuple(_read_use(span, name or span.name))


def _read_use(span: Span, name: str) -> Iterator[Part]:
    found = span.attributes
    output = values.parsed(found.get("output.value"))
    answers = list(_langchain_messages(output))
    call_id = values.text(found, "tool.id", "tool_call.id") or next(
        (values.as_text(answer["tool_call_id"]) for answer in answers if answer.get("tool_call_id")), None
    )
    given = values.text(found, "input.value")
    if given is not None:
        yield Part(kind=MessageKind.TOOL_CALL, text=given, tool=name, call_id=call_id)
    if answers:
        for answer in answers:
            failed = answer.get("status") == "error"
            yield _result(values.as_text(answer.get("content")), name, call_id, failed=failed)
    elif output is not None:
        yield _result(values.as_text(found.get("output.value")), name, call_id)
    for target in _targets(output):
        yield _handoff(target)


def _result(text: str, name: str, call_id: str | None, *, failed: bool = False) -> Part:
    return Part(kind=MessageKind.TOOL_RESULT, role=Role.TOOL, text=text, tool=name, call_id=call_id, failed=failed)


def _handoff(target: str, *, by: str | None = None) -> Part:
    return Part(kind=MessageKind.HANDOFF, text=f"Hands over to {target}.", speaker=by, notes={"target": target})


def _langchain_messages(output: Any) -> Iterator[Mapping[str, Any]]:
    """The answers of a LangChain tool: a message, or a command that brings some."""
    if not isinstance(output, Mapping):
        return
    if output.get("type") == "tool" and isinstance(output.get("data"), Mapping):
        yield output["data"]
    update = output.get("update")
    messages = update.get("messages") if isinstance(update, Mapping) else None
    for message in messages if isinstance(messages, list) else ():
        yield from _langchain_messages(message)


def _targets(output: Any) -> Iterator[str]:
    """The nodes to which a command of LangGraph goes."""
    goto = output.get("goto") if isinstance(output, Mapping) else None
    for target in goto if isinstance(goto, list) else [goto]:
        if isinstance(target, str) and not target.startswith("__"):
            yield target
