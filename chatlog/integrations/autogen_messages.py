"""What a message or an event of AutoGen is and says."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import singledispatch
from typing import Any

from autogen_agentchat import messages as said
from autogen_agentchat.base import TaskResult
from autogen_core.memory import MemoryContent

from chatlog.domain import remarks
from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import MessageDraft, MessageKind

Spoken = said.BaseChatMessage | said.BaseAgentEvent

# The first class that fits decides. What is not here is text if other agents hear it, else an event: that includes who was
# selected to speak, which a team only tells when it was asked to (`emit_team_events=True`).
_KINDS: tuple[tuple[type[Spoken], MessageKind], ...] = (
    (said.HandoffMessage, MessageKind.HANDOFF),
    (said.ToolCallSummaryMessage, MessageKind.TOOL_RESULT),
    (said.BaseChatMessage, MessageKind.TEXT),
    (said.ToolCallRequestEvent, MessageKind.TOOL_CALL),
    (said.ToolCallExecutionEvent, MessageKind.TOOL_RESULT),
    (said.CodeGenerationEvent, MessageKind.TOOL_CALL),
    (said.CodeExecutionEvent, MessageKind.TOOL_RESULT),
    (said.ThoughtEvent, MessageKind.THOUGHT),
    (said.BaseAgentEvent, MessageKind.EVENT),
)


def draft(item: Spoken) -> MessageDraft:
    """The remark in a message or event."""
    notes: dict[str, Any] = dict(item.metadata)
    if isinstance(item, said.HandoffMessage):
        notes["target"] = item.target
    return remarks.draft(
        framework="autogen",
        type_=type(item).__name__,
        said_id=item.id,
        source=item.source,
        text=_readable(item),
        kind=next(kind for type_, kind in _KINDS if isinstance(item, type_)),
        timestamp=item.created_at,
        models_usage=None if item.models_usage is None else asdict(item.models_usage),
        notes=notes,
    )


def end_of_run(result: TaskResult, *, source: str, lost: int) -> MessageDraft:
    """The last remark of a run that came to its end: why, and what is missing of it."""
    reason = result.stop_reason or "no reason given"
    missing = f"\n\n{lost} of its messages could not be recorded." if lost else ""
    return remarks.draft(
        framework="autogen",
        type_=type(result).__name__,
        # It has no id of its own. A run that is recorded again ends with the same message.
        said_id=f"{result.messages[-1].id}.end" if result.messages else None,
        source=source,
        text=f"The run ended: {reason}{missing}",
        kind=MessageKind.EVENT,
        notes={"stop_reason": reason, "lost": lost},
    )


@singledispatch
def _readable(item: Spoken) -> str:
    """The remark as Markdown. AutoGen's own `to_text()` of what follows is Python's notation for it, or empty."""
    return item.to_text()


@_readable.register
def _(item: said.ToolCallRequestEvent) -> str:
    return "\n\n".join(remarks.call(call.name, call.arguments) for call in item.content)


@_readable.register
def _(item: said.ToolCallExecutionEvent) -> str:
    return "\n\n".join(remarks.result(each.name, each.content, failed=bool(each.is_error)) for each in item.content)


@_readable.register
def _(item: said.StructuredMessage) -> str:  # type: ignore[type-arg]  # whatever its content is
    return item.to_text() if item.format_string is not None else fenced(item.content.model_dump_json(indent=2), "json")


@_readable.register
def _(_item: said.UserInputRequestedEvent) -> str:
    return "Waits for a person to answer."


@_readable.register
def _(item: said.MemoryQueryEvent) -> str:
    return "\n\n".join(["Remembers:", *map(_memory, item.content)])


@_readable.register
def _(item: said.SelectSpeakerEvent) -> str:
    return f"Next: {', '.join(item.content)}"


def _memory(memory: MemoryContent) -> str:
    """One thing remembered; what is no text by its kind."""
    if isinstance(memory.content, str):
        return memory.content
    if isinstance(memory.content, dict):
        return fenced(json.dumps(memory.content, ensure_ascii=False, indent=2, default=str), "json")
    return f"<{getattr(memory.mime_type, 'value', memory.mime_type)}>"
