"""What a message of another program says, as Markdown, and what kind of message it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import MessageKind
from chatlog.domain.text import replace_unstorable
from chatlog.errors import InvalidInput

# The types of autogen-agentchat 0.4 to 0.7 that are no text. Any other type that ends in "Event" is an event.
_AUTOGEN_KINDS = {
    "ToolCallRequestEvent": MessageKind.TOOL_CALL,
    "ToolCallExecutionEvent": MessageKind.TOOL_RESULT,
    "ToolCallSummaryMessage": MessageKind.TOOL_RESULT,
    "CodeGenerationEvent": MessageKind.TOOL_CALL,
    "CodeExecutionEvent": MessageKind.TOOL_RESULT,
    "ThoughtEvent": MessageKind.THOUGHT,
    "HandoffMessage": MessageKind.HANDOFF,
}
_ROLE_KINDS = {"tool": MessageKind.TOOL_RESULT, "function": MessageKind.TOOL_RESULT}
_NO_TEXT = "(no text)"
_CALLS = ("tool_calls", "function_call")


def kind_of(record: Mapping[str, Any]) -> MessageKind:
    """What kind of message a record is, by its `kind`, `type`, `role` and `tool_calls`."""
    for word in (record.get("kind"), record.get("type")):
        if isinstance(word, str) and word in [*MessageKind]:
            return MessageKind(word)
    kind = record.get("type")
    if isinstance(kind, str) and (kind in _AUTOGEN_KINDS or kind.endswith("Event")):
        return _AUTOGEN_KINDS.get(kind, MessageKind.EVENT)
    role = record.get("role")
    if isinstance(role, str) and role in _ROLE_KINDS:
        return _ROLE_KINDS[role]
    has_calls = any(record.get(name) for name in _CALLS)
    return MessageKind.TOOL_CALL if has_calls and not record.get("content") else MessageKind.TEXT


def read_content(rest: dict[str, Any], names: Iterable[str]) -> str:
    """The text of a record, taken out of it; calls of tools come after it. Raises `InvalidInput` if there is neither."""
    name = next((name for name in names if name in rest), None)
    calls = [call for field in _CALLS for call in _as_list(rest.pop(field, None))]
    if name is None and not calls:
        raise InvalidInput("content", f"is missing: there is none of {', '.join(names)}.")
    content = None if name is None else rest.pop(name)
    parts = [_read_part(part) for part in (*_as_list(content), *calls)]
    text = replace_unstorable("\n\n".join(part for part in parts if part.strip()))
    return text if text.strip() else _NO_TEXT


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _read_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return json.dumps(part)
    if isinstance(part.get("text"), str):
        return str(part["text"])
    if isinstance(part.get("function"), dict):
        return _read_part(part["function"])
    if "image" in str(part.get("type", "")) or "data" in part:
        return "(an image, which was not imported)"
    return _read_call(part)


def _read_call(part: dict[str, Any]) -> str:
    """A call of a tool or what came of it; anything else as the JSON that it is."""
    name = part.get("name")
    for field in ("arguments", "input"):
        if isinstance(name, str) and field in part:
            return f"{name}\n{fenced(_indented(part[field]), 'json')}"
    if isinstance(part.get("content"), str | list):
        failed = " failed" if part.get("is_error") else ""
        body = "\n\n".join(_read_part(inner) for inner in _as_list(part["content"]))
        return f"{name or 'result'}{failed}\n{fenced(body)}"
    return fenced(_indented(part), "json")


def _indented(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:  # a model may write anything; then that is what it called with
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)
