"""What a stored message of the Microsoft Agent Framework says, in Python's form; that of .NET is brought into it.

Source: https://github.com/microsoft/agent-framework/blob/main/python/packages/core/agent_framework/_types.py (Content.to_dict)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from chatlog.domain import remarks
from chatlog.domain.models import MessageDraft, MessageKind

Json = Mapping[str, Any]

# How tools are called that the framework's hand-over workflow makes; what they answer is JSON with this name, too.
_HANDOFF = "handoff_to"
_NOT_OF_INTEREST = ("type", "additional_properties", "annotations", "raw_representation")


def drafts(message: Json, *, document_id: str, timestamp: datetime) -> tuple[MessageDraft, ...]:
    """The remarks in a message: what was thought, said, called and answered.

    A remark is known by its document's id: the framework's own ids are missing on what people say, and its providers may give
    one to several messages. Who has no name speaks as its role.
    """
    contents = [content for content in message.get("contents") or () if isinstance(content, Mapping)]
    role = role_of(message) or "assistant"
    own_id = {"agent_framework_id": message["message_id"]} if message.get("message_id") else {}
    parts = list(_parts(contents)) or [(MessageKind.TEXT, "", {})]
    return tuple(
        remarks.drafts(
            [(kind, text, {**notes, **own_id}) for kind, text, notes in parts],
            framework="agent_framework",
            type_=role,
            said_id=document_id,
            source=str(message.get("author_name") or role),
            timestamp=timestamp,
            models_usage=_tokens(contents),
        )
    )


def role_of(message: Json) -> str:
    """Who speaks to whom; empty if the message does not say."""
    role = message.get("role")
    if isinstance(role, Mapping):  # so it was written before the framework's version 1.0
        role = role.get("value")
    return str(role or "")


def _parts(contents: list[Json]) -> Iterator[remarks.Part]:
    for type_, same in groupby(contents, lambda content: str(content.get("type"))):
        if type_ in {"text", "text_reasoning"}:
            text = "".join(str(content.get("text") or "") for content in same)
            if text.strip():
                yield MessageKind.TEXT if type_ == "text" else MessageKind.THOUGHT, text, {}
        elif type_ != "usage":
            yield from (_part(type_, content) for content in same)


def _part(type_: str, content: Json) -> remarks.Part:
    call = {"call_id": content["call_id"]} if isinstance(content.get("call_id"), str) else {}
    if type_ == "function_call":
        name = str(content.get("name") or "tool")
        return MessageKind.TOOL_CALL, remarks.call(name, _json(content.get("arguments"))), {"tool": name, **call}
    if type_ == "function_result":
        return _result(content, call)
    if type_ == "error":
        notes = {"error": content["error_code"]} if content.get("error_code") else {}
        return MessageKind.ERROR, str(content.get("message") or ""), notes
    if type_ in {"data", "uri", "hosted_file"}:
        return MessageKind.TEXT, f"<{content.get('media_type') or type_}>", {}
    kind = MessageKind.EVENT
    if type_.endswith(("_call", "_result")):
        kind = MessageKind.TOOL_CALL if type_.endswith("_call") else MessageKind.TOOL_RESULT
    rest = {name: value for name, value in content.items() if name not in _NOT_OF_INTEREST}
    return kind, remarks.call(type_, _json(rest)), call


def _result(content: Json, call: Json) -> remarks.Part:
    """What a tool answered, or to whom one handed over. Which tool it was stands in the call with the same `call_id`."""
    text = _result_text(content)
    if target := _target(text):
        return MessageKind.HANDOFF, f"Hands over to {target}.", {"target": target, **call}
    return MessageKind.TOOL_RESULT, remarks.result("Answer", text, failed=bool(content.get("exception"))), dict(call)


def _result_text(content: Json) -> str:
    items = content.get("items")
    if isinstance(items, list) and all(isinstance(item, Mapping) for item in items) and items:
        return "\n".join(str(item.get("text") or f"<{item.get('media_type') or item.get('type')}>") for item in items)
    return _json(content.get("result"))


def _target(text: str) -> str | None:
    try:
        return str(json.loads(text)[_HANDOFF])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # any other answer


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tokens(contents: list[Json]) -> dict[str, int] | None:
    found = [content.get("usage_details") or content.get("details") for content in contents if content.get("type") == "usage"]
    usage = [details for details in found if isinstance(details, Mapping)]
    if not usage:
        return None
    return {"prompt_tokens": _sum(usage, "input_token_count"), "completion_tokens": _sum(usage, "output_token_count")}


def _sum(usage: list[Json], name: str) -> int:
    return sum(count for details in usage if isinstance(count := details.get(name), int))
