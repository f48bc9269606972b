"""What an item of the OpenAI Agents SDK is and says."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Any

from agents import Agent, Handoff, Usage

from chatlog.domain import remarks
from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import MessageKind

# What the SDK calls every item of a model without the Responses API. Source: agents/models/fake_id.py of 0.24.
_NO_ID = "__fake_id__"
_SAID_BY_PEOPLE = ("user", "system", "developer")
# Pictures and files inside other things; the text of a remark has their kind instead.
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,[A-Za-z0-9+/=_-]*")
# The whole picture, and what only the SDK's makers can read.
_UNREADABLE = {"result": True, "encrypted_content": True}


def last_asked(items: list[Any]) -> list[Any]:
    """What was asked last; before it stands what was said in earlier runs."""
    return list(takewhile(_is_asked, reversed(items)))[::-1]


def _is_asked(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") in _SAID_BY_PEOPLE


def asked_text(content: Any) -> str:
    """The text of a question; what is no text by its name."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or f"<{part['type'].removeprefix('input_')}>" for part in content)


def read(item: Any, agent: Agent[Any]) -> tuple[MessageKind, str, dict[str, Any]]:
    """What an item is, says, and has to be noted of it."""
    if item.type == "message":
        return MessageKind.TEXT, _message_text(item, agent), {}
    if item.type == "reasoning":
        return MessageKind.THOUGHT, _thoughts(item), {}
    if item.type == "function_call":
        return MessageKind.TOOL_CALL, remarks.call(item.name, item.arguments), {"tool": item.name, "call_id": item.call_id}
    kind = MessageKind.TOOL_CALL if item.type.endswith("_call") else MessageKind.EVENT
    if item.type.endswith("_output"):
        kind = MessageKind.TOOL_RESULT
    return kind, remarks.call(item.type, _without_data(item.model_dump_json(exclude_none=True, exclude=_UNREADABLE))), {}


def _message_text(item: Any, agent: Agent[Any]) -> str:
    text = "\n\n".join(part.text if part.type == "output_text" else part.refusal for part in item.content)
    return text if agent.output_type in (None, str) else fenced(text, "json")


def spoken(items: list[Any]) -> str:
    """All that is said in them, as the SDK puts it together."""
    return "".join(getattr(part, "text", None) or "" for item in items for part in getattr(item, "content", None) or ())


def says_anything(item: Any) -> bool:
    """Whether the item is worth a message: models may keep to themselves what they thought."""
    return item.type != "reasoning" or bool(_thoughts(item))


def _thoughts(item: Any) -> str:
    """The summary, or what the model thought where it tells that; empty if it keeps both to itself."""
    return "\n\n".join(part.text for part in item.summary or getattr(item, "content", None) or ())


def handoff_among(items: list[Any], agent: Agent[Any]) -> Any:
    """The call that hands over: of several, the SDK follows the first."""
    names = targets(agent)
    return next((item for item in items if item.type == "function_call" and item.name in names), None)


def targets(agent: Agent[Any]) -> dict[str, str]:
    """To whom the agent may hand over, by the name of the call."""
    return {
        **{to.tool_name: to.agent_name for to in agent.handoffs if isinstance(to, Handoff)},
        **{Handoff.default_tool_name(to): to.name for to in agent.handoffs if isinstance(to, Agent)},
    }


def id_of(item: Any) -> str | None:
    """The item's own id, or at least the one by which a call's answer is told; `None` if it has neither."""
    own = getattr(item, "id", None)
    return own if own and own != _NO_ID else getattr(item, "call_id", None)


def tokens(usage: Usage) -> dict[str, int] | None:
    """What the answer took; `None` if the model does not tell."""
    told = usage.total_tokens or usage.input_tokens or usage.output_tokens
    return remarks.tokens(usage.input_tokens, usage.output_tokens) if told else None


def outputs(input_items: list[Any]) -> dict[str, Any]:
    """What calls were answered with, by their ids, as a model is told; of several with the same id the last."""
    return {
        item["call_id"]: item["output"]
        for item in input_items
        if isinstance(item, dict) and item.get("type") == "function_call_output"
    }


def result_text(result: Any) -> str:
    """What a tool answered; what is no text as JSON, a picture by its kind."""
    if isinstance(result, str):
        return _without_data(result)
    if hasattr(result, "model_dump"):
        result = result.model_dump(mode="json", exclude_none=True)
    return _without_data(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def _without_data(text: str) -> str:
    return _DATA.sub(r"<\1>", text)
