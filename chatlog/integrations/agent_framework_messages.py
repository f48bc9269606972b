"""What a message of the Microsoft Agent Framework is and says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any
from uuid import uuid4

from agent_framework import Content, Message

from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.services import remarks

# The roles of what an agent is told by others; the rest of what it is sent are its and its colleagues' own words.
ASKING = ("user", "system")
# Where the framework lets anyone keep something with a message. It is passed on with it, and never sent to a model.
_OWN_ID = "chatlog_id"
# How tools are called that the framework's hand-over workflow makes; what they answer is JSON with this name, too.
_HANDOFF = "handoff_to"
_UNSAID = ("usage", "function_result")


def own_id(message: Message) -> str:
    """The message's id; one that has none is given one that goes with it from agent to agent."""
    return message.message_id or str(message.additional_properties.setdefault(_OWN_ID, str(uuid4())))


def drafts(message: Message, speaker: str, usage: Mapping[str, Any] | None) -> Iterator[MessageDraft]:
    """The remarks in a message: what was thought, said and called."""
    return remarks.drafts(
        list(_parts(message)) or [(MessageKind.TEXT, "", {})],
        framework="agent_framework",
        type_=message.role,
        said_id=own_id(message),
        source=message.author_name or speaker,
        models_usage=_tokens(usage),
    )


def _parts(message: Message) -> Iterator[remarks.Part]:
    for type_, contents in groupby(message.contents, lambda content: content.type):
        if type_ == "text":
            yield MessageKind.TEXT, "".join(content.text or "" for content in contents), {}
        elif type_ == "text_reasoning":
            if thought := "".join(content.text or "" for content in contents).strip():
                yield MessageKind.THOUGHT, thought, {}
        elif type_ not in _UNSAID:
            yield from map(_part, contents)


def _part(content: Content) -> remarks.Part:
    if content.type == "function_call":
        name = content.name or "tool"
        return MessageKind.TOOL_CALL, remarks.call(name, _json(content.arguments)), {"tool": name, "call_id": content.call_id}
    if content.type == "function_approval_response":
        return MessageKind.EVENT, f"{'Allows' if content.approved else 'Refuses'} the call of {_called(content)}.", {}
    if content.type in {"data", "uri", "hosted_file"}:
        return MessageKind.TEXT, f"<{content.media_type or content.type}>", {}
    if content.type == "error":
        return MessageKind.ERROR, content.message or "", {"error": content.error_code}
    kind = MessageKind.EVENT
    if content.type.endswith(("_call", "_result")):
        kind = MessageKind.TOOL_CALL if content.type.endswith("_call") else MessageKind.TOOL_RESULT
    return kind, remarks.call(content.type, _json(content.to_dict(exclude={"raw_representation"}))), {}


def waiting(agent: str, request: Content) -> MessageDraft:
    """That a run waits for a person: to allow a call, for one."""
    return remarks.draft(
        framework="agent_framework",
        type_=request.type,
        said_id=request.id and f"{request.id}.request",
        source=agent,
        text=f"Waits for a person: {request.type.replace('_', ' ')} of {_called(request)}.",
        kind=MessageKind.EVENT,
    )


def _called(content: Content) -> str:
    return content.function_call.name or "a tool" if content.function_call else "a tool"


def tool_result(said_id: str | None, call_id: str | None, agent: str, tool: str, result: Any, *, failed: bool) -> MessageDraft:
    """What a tool answered; or, if it is one that hands over, to whom."""
    text = _result_text(result)
    target = _target(text) if tool.startswith(f"{_HANDOFF}_") else None
    about = {"tool": tool, "call_id": call_id}
    return remarks.draft(
        framework="agent_framework",
        type_="function_result",
        said_id=said_id,
        source=agent,
        text=remarks.result(tool, text, failed=failed) if target is None else f"Hands over to {target}.",
        kind=MessageKind.TOOL_RESULT if target is None else MessageKind.HANDOFF,
        notes=about if target is None else {**about, "target": target},
    )


def _result_text(result: Any) -> str:
    if isinstance(result, list) and all(isinstance(part, Content) for part in result):
        return "\n".join(
            part.text if part.type == "text" and part.text else f"<{part.media_type or part.type}>" for part in result
        )
    return _json(result)


def _target(text: str) -> str | None:
    try:
        return str(json.loads(text)[_HANDOFF])
    except (ValueError, TypeError, KeyError):
        return None  # a tool of the user's own that only has such a name


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _tokens(usage: Mapping[str, Any] | None) -> dict[str, int] | None:
    if not usage:
        return None
    return {"prompt_tokens": usage.get("input_token_count") or 0, "completion_tokens": usage.get("output_token_count") or 0}
