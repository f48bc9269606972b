"""What AutoGen's own runtime puts into its spans: the remarks of a team, whole, with their ids, speakers and times.

Source: autogen_core/_single_threaded_agent_runtime.py and autogen_agentchat/teams/_group_chat/_events.py of 0.7. Each message
makes a trace of its own unless something spans the run; what holds a discussion together is the team's id, which is in every
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.domain.clock import parse_stored_timestamp
from chatlog.domain.code_blocks import fenced
from chatlog.domain.models import MessageKind, SessionStatus
from chatlog.errors import InvalidTimestamp
from chatlog.services.spans import values
from chatlog.services.spans.reading import Part, Reading, Relayed, Role, Work
from chatlog.services.spans.span import Span

_SCOPE = "autogen SingleThreadedAgentRuntime"
_TEAM = re.compile(r"_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:$|\.)")
_END = "GroupChatTermination"
_KINDS = {
    "ThoughtEvent": MessageKind.THOUGHT,
    "ToolCallRequestEvent": MessageKind.TOOL_CALL,
    "CodeGenerationEvent": MessageKind.TOOL_CALL,
    "ToolCallExecutionEvent": MessageKind.TOOL_RESULT,
    "ToolCallSummaryMessage": MessageKind.TOOL_RESULT,
    "CodeExecutionEvent": MessageKind.TOOL_RESULT,
    "HandoffMessage": MessageKind.HANDOFF,
}
_PIECES = "ModelClientStreamingChunkEvent"  # the whole message follows


def is_autogen_runtime(span: Span) -> bool:
    """Whether a span speaks this dialect."""
    return span.scope == _SCOPE


def read_autogen_runtime(span: Span) -> Reading:
    """What it tells."""
    found = span.attributes
    address = values.text(found, "recipient_agent_type", "messaging.destination") or ""
    team = _TEAM.search(address)
    payload = values.parsed(found.get("message"))
    failure = payload.get("error") if isinstance(payload, Mapping) else None
    ends = SessionStatus.COMPLETED if found.get("messaging.message.type") == _END else None
    if team is None:  # agents that are no team: nobody knows what belongs together
        return Reading(work=Work.OTHER)
    return Reading(
        work=Work.RELAY,
        conversation=team[1],
        relayed=tuple(_relayed(payload)),
        said=tuple(_failure(failure)),
        ends=SessionStatus.FAILED if isinstance(failure, Mapping) else ends,
    )


def _relayed(payload: Any) -> Iterator[Relayed]:
    for message in _messages(payload):
        type_, said_id, source = message.get("type"), message.get("id"), message.get("source")
        if isinstance(said_id, str) and isinstance(source, str) and type_ != _PIECES:
            yield Relayed(
                said_id=said_id,
                speaker=source,
                at=_time(message.get("created_at")),
                parts=tuple(_parts(values.as_text(type_), message)),
                usage=_usage(message.get("models_usage")),
            )


def _messages(payload: Any) -> Iterator[Mapping[str, Any]]:
    """The remarks in what agents of a team send each other."""
    if not isinstance(payload, Mapping):
        return
    response = payload.get("response")
    inner = response if isinstance(response, Mapping) else {}
    lists = (payload.get("messages"), inner.get("inner_messages"), [inner.get("chat_message")], [payload.get("message")])
    for listed in lists:
        if isinstance(listed, list):
            yield from (message for message in listed if isinstance(message, Mapping))


def _parts(type_: str, message: Mapping[str, Any]) -> Iterator[Part]:
    content = message.get("content")
    items = [item for item in content if isinstance(item, Mapping)] if isinstance(content, list) else []
    kind = _KINDS.get(type_, MessageKind.EVENT if type_.endswith("Event") else MessageKind.TEXT)
    if kind is MessageKind.TOOL_CALL and items:
        for call in items:
            yield Part(kind=kind, text=values.as_text(call.get("arguments")), tool=_name(call), call_id=values.text(call, "id"))
    elif kind is MessageKind.TOOL_RESULT and items:
        for answer in items:
            yield Part(
                kind=kind,
                role=Role.TOOL,
                text=values.as_text(answer.get("content")),
                tool=_name(answer),
                call_id=values.text(answer, "call_id"),
                failed=answer.get("is_error") is True,
            )
    else:
        notes = {"target": message["target"]} if isinstance(message.get("target"), str) else {}
        yield Part(kind=kind, text=_text(content), role=Role.PERSON, notes=notes)


def _name(item: Mapping[str, Any]) -> str:
    return values.text(item, "name") or "tool"


def _text(content: Any) -> str:
    if isinstance(content, list):  # pictures among text come as objects
        return "\n".join(item if isinstance(item, str) else "<image>" for item in content)
    return content if isinstance(content, str) else fenced(values.as_text(content), "json")


def _time(value: Any) -> Any:
    try:
        return None if value is None else parse_stored_timestamp(value)
    except InvalidTimestamp:  # then the span's own time is the best there is
        return None


def _usage(value: Any) -> dict[str, int] | None:
    if not isinstance(value, Mapping):
        return None
    return values.usage(values.count(value, "prompt_tokens"), values.count(value, "completion_tokens"))


def _failure(error: Any) -> Iterator[Part]:
    if isinstance(error, Mapping):
        text = f"{values.text(error, 'error_type') or 'Error'}: {values.text(error, 'error_message') or 'no text'}"
        yield Part(kind=MessageKind.ERROR, text=text)
