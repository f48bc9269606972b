"""What an item of the OpenAI Agents SDK is and says."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any

from agents import Agent, Handoff, Usage

from chatlog.domain.models import MessageKind
from chatlog.services import remarks

# What the SDK calls every item of a model without the Responses API. Source: agents/models/fake_id.py of 0.24.
_NO_ID = "__fake_id__"
_SAID_BY_PEOPLE = ("user", "system", "developer")


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
    return kind, remarks.call(item.type, item.model_dump_json(exclude_none=True)), {}


def _message_text(item: Any, agent: Agent[Any]) -> str:
    text = "\n\n".join(part.text if part.type == "output_text" else part.refusal for part in item.content)
    return text if agent.output_type in (None, str) else remarks.fenced(text, "json")


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
    """What the answer took, in the names that chatlog uses; `None` if the model does not tell."""
    if not usage.total_tokens and not usage.input_tokens and not usage.output_tokens:
        return None
    return {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}


def result_text(result: Any) -> str:
    """What a tool answered; what is no text as JSON."""
    if isinstance(result, str):
        return result
    if hasattr(result, "model_dump"):
        result = result.model_dump(mode="json", exclude_none=True)
    return json.dumps(result, ensure_ascii=False, indent=2, default=str)
