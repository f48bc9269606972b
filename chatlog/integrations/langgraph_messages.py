"""What a message of LangChain is and says, and where LangGraph has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeGuard
from uuid import UUID, uuid4

from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage, ToolMessage, convert_to_messages
from langgraph.types import Command, Interrupt

from chatlog.domain import remarks
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.services.graph_speakers import find_speaker

_BY_PERSON = "user"
_draft = partial(remarks.draft, framework="langgraph")


def speaker(metadata: Mapping[str, Any]) -> str:
    """Who speaks: the agent or node, below the graphs it is part of."""
    return find_speaker(metadata) or "assistant"


def own_id(message: BaseMessage) -> str:
    """The message's id. One that has none yet gets it here, as LangGraph's own stream and reducer do, and keeps it there."""
    if message.id is None:
        message.id = str(uuid4())
    return message.id


def messages_in(value: Any) -> Iterator[BaseMessage]:
    """The messages of a state, of an update, or of the commands that bring one."""
    return (message for message, in_short in said_in(value) if not in_short)


def said_in(value: Any) -> Iterator[tuple[BaseMessage, bool]]:
    """The same, and what a node writes in short, as a text, a pair or a dict, with whether it does."""
    if isinstance(value, BaseMessage):
        yield value, False
    elif isinstance(value, Command):
        yield from said_in(value.update)
    elif isinstance(value, list | tuple):
        for each in value:
            if isinstance(each, BaseMessage | Command | Mapping | tuple):
                yield from said_in(each)
    else:
        for name, part in _parts(value):
            for each in part if isinstance(part, list | tuple) and not _is_in_short(part) else (part,):
                if isinstance(each, BaseMessage):
                    yield each, False
                elif name == "messages" and _is_in_short(each):
                    yield from ((message, True) for message in _from_short(each))


def _parts(state: Any) -> Iterable[tuple[str, Any]]:
    return state.items() if isinstance(state, Mapping) else vars(state).items() if hasattr(state, "__dict__") else ()


def _is_in_short(value: Any) -> TypeGuard[str | tuple[str, str] | dict[str, Any]]:
    if isinstance(value, tuple):
        return len(value) == 2 and all(isinstance(part, str) for part in value)
    return isinstance(value, str) or (isinstance(value, dict) and "role" in value and "content" in value)


def _from_short(value: str | tuple[str, str] | dict[str, Any]) -> list[BaseMessage]:
    try:
        return convert_to_messages([value])
    except (ValueError, TypeError, NotImplementedError):
        return []  # no message after all, but something of the user's own state


def questions(inputs: Any) -> list[BaseMessage]:
    """What a graph is asked, as messages, in whatever form it was written."""
    if isinstance(inputs, Command):
        return [] if inputs.resume is None else convert_to_messages([("user", _as_text(inputs.resume))])
    given = inputs.get("messages") if isinstance(inputs, Mapping) else getattr(inputs, "messages", inputs)
    if isinstance(given, str | BaseMessage):
        given = [given]
    return convert_to_messages(given) if isinstance(given, list) else []


def as_in_state(asked: list[BaseMessage], state: list[BaseMessage]) -> list[BaseMessage]:
    """The same messages as the graph keeps them, with their ids, if it does."""
    kept = state[-len(asked) :] if asked else []
    return kept if [message.content for message in kept] == [message.content for message in asked] else asked


def other_input(run_id: UUID, inputs: Any) -> Iterator[MessageDraft]:
    """What a graph is given that is no message; nothing if it only goes on."""
    if inputs is None or isinstance(inputs, Command):
        return
    text = remarks.call("Given", _as_text(inputs))
    yield _draft(type_="input", said_id=f"{run_id}.input", source=_BY_PERSON, text=text, kind=MessageKind.EVENT)


def waiting(source: str, interrupt: Interrupt) -> MessageDraft:
    """That a node asks a person."""
    text = f"Waits for a person to answer: {_as_text(interrupt.value)}"
    return _draft(type_="Interrupt", said_id=interrupt.id, source=source, text=text, kind=MessageKind.EVENT)


def targets(outputs: Any) -> Iterator[str]:
    """The nodes to which commands hand over."""
    for each in outputs if isinstance(outputs, list | tuple) else (outputs,):
        if isinstance(each, Command):
            goto = each.goto if isinstance(each.goto, list | tuple) else (each.goto,)
            yield from (to for to in goto if isinstance(to, str) and not to.startswith("__"))


def handoff(said_id: str, source: str, target: str) -> MessageDraft:
    """That one node hands over to another."""
    return _draft(
        type_="Command",
        said_id=said_id,
        source=source,
        text=f"Hands over to {target}.",
        kind=MessageKind.HANDOFF,
        notes={"target": target},
    )


def own_call(run_id: UUID, source: str, tool: str, inputs: Any) -> MessageDraft:
    """A call of a tool that a node made by itself."""
    text = remarks.call(tool, _as_text(inputs))
    kind, notes = MessageKind.TOOL_CALL, {"tool": tool}
    return _draft(type_="tool_start", said_id=f"{run_id}.call", source=source, text=text, kind=kind, notes=notes)


def own_result(run_id: UUID, source: str, tool: str, output: str) -> MessageDraft:
    """What a tool answered to such a call."""
    text = remarks.result(tool, output)
    kind, notes = MessageKind.TOOL_RESULT, {"tool": tool}
    return _draft(type_="tool_end", said_id=str(run_id), source=source, text=text, kind=kind, notes=notes)


def drafts(message: BaseMessage, source: str) -> Iterator[MessageDraft]:
    """The remarks in a message: what was thought, said and called."""
    if isinstance(message, RemoveMessage):
        return
    yield from remarks.drafts(
        list(_parts_of(message)),
        framework="langgraph",
        type_=type(message).__name__,
        said_id=message.id,
        source=source if isinstance(message, ToolMessage) else message.name or source,
        models_usage=_tokens(message),
    )


def _parts_of(message: BaseMessage) -> Iterator[remarks.Part]:
    text = _text(message)
    if isinstance(message, ToolMessage):
        tool = message.name or "tool"
        failed = message.status == "error"
        yield (
            MessageKind.TOOL_RESULT,
            remarks.result(tool, text, failed=failed),
            {"tool": tool, "call_id": message.tool_call_id},
        )
        return
    thought = "\n\n".join(block.get("reasoning") or "" for block in message.content_blocks if block["type"] == "reasoning")
    calls = [*message.tool_calls, *message.invalid_tool_calls] if isinstance(message, AIMessage) else []
    if thought.strip():
        yield MessageKind.THOUGHT, thought, {}
    if text.strip() or not (calls or thought.strip()):
        yield MessageKind.TEXT, text, {}
    for call in calls:
        name = call["name"] or "tool"
        yield MessageKind.TOOL_CALL, remarks.call(name, _as_text(call["args"])), {"tool": name, "call_id": call["id"]}


def _text(message: BaseMessage) -> str:
    """What the message says; a picture and the like by its name."""
    if isinstance(message.content, str):
        return message.content
    unsaid = ("reasoning", "tool_call", "tool_call_chunk", "invalid_tool_call")
    blocks = [block for block in message.content_blocks if block["type"] not in unsaid]
    return "\n".join(str(block["text"]) if block["type"] == "text" else f"<{block['type']}>" for block in blocks)


def _tokens(message: BaseMessage) -> dict[str, int] | None:
    usage = getattr(message, "usage_metadata", None)
    return remarks.tokens(usage.get("input_tokens"), usage.get("output_tokens")) if usage else None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
