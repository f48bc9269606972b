"""A chat message as its parts. The conventions differ in names; what they carry is the message of a model's API all the same.

The shapes: `{"role", "parts": […]}` (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json),
`{"role", "content", "tool_calls"}` (OpenAI), and lists of blocks in `content` (Anthropic, Amazon Bedrock).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.domain.models import MessageKind
from chatlog.services.spans import values
from chatlog.services.spans.reading import Part, Role

_ROLES = {
    "assistant": Role.MODEL,
    "ai": Role.MODEL,
    "model": Role.MODEL,
    "tool": Role.TOOL,
    "function": Role.TOOL,
    "system": Role.INSTRUCTIONS,
    "developer": Role.INSTRUCTIONS,
}
_THOUGHTS = {"reasoning", "thinking"}
_CALLS = {"tool_call", "tool_use", "toolUse", "function_call", "server_tool_call"}
_RESULTS = {"tool_call_response", "tool_result", "toolResult", "function_call_output", "server_tool_call_response"}


def list_parts(messages: Any, *, role: Role = Role.PERSON) -> tuple[Part, ...]:
    """The parts of a list of messages, in order.

    Args:
        messages: a list of objects, as JSON or as it is; whatever is no message is passed over.
        role: of a message that does not say.
    """
    found = values.parsed(messages)
    listed = found if isinstance(found, list) else [found]
    return tuple(part for message in listed if isinstance(message, Mapping) for part in read_message(message, role=role))


def read_message(message: Mapping[str, Any], *, role: Role = Role.PERSON) -> Iterator[Part]:
    """The parts of one message."""
    said_role = message.get("role")
    by = _ROLES.get(said_role.lower(), Role.PERSON) if isinstance(said_role, str) and said_role else role
    speaker = message.get("name") if isinstance(message.get("name"), str) and by is not Role.TOOL else None
    if by is Role.TOOL and "parts" not in message:
        yield _result(message, values.as_text(_plain(message.get("content"))))
        return
    content = message.get("parts", message.get("content"))
    yield from _read_blocks(values.parsed(content), by, speaker)
    for call in _list(message.get("tool_calls")):
        yield _call(call, speaker)


def _read_blocks(content: Any, by: Role, speaker: str | None) -> Iterator[Part]:
    if isinstance(content, list) and all(isinstance(block, Mapping) for block in content):
        texts: list[str] = []
        for block in content:
            part = _read_block(block, speaker)
            if isinstance(part, Part):
                yield from _text("\n".join(texts), by, speaker)
                texts.clear()
                yield part
            else:
                texts.append(part)
        yield from _text("\n".join(texts), by, speaker)
    else:
        yield from _text(values.as_text(content), by, speaker)


def _text(text: str, by: Role, speaker: str | None) -> Iterator[Part]:
    if text.strip():
        yield Part(kind=MessageKind.TEXT, text=text, role=by, speaker=speaker)


def _read_block(block: Mapping[str, Any], speaker: str | None) -> Part | str:
    """A part of its own, or a piece of the message's text; what is no text by its name."""
    # Bedrock's blocks have no type: their one key is it.
    type_ = values.text(block, "type") or next(iter(block), "")
    inner = block.get(type_) if isinstance(block.get(type_), Mapping) else block
    assert isinstance(inner, Mapping)
    if type_ in _CALLS:
        return _call(inner, speaker)
    if type_ in _RESULTS:
        answer = next((inner[name] for name in ("response", "result", "output", "content") if name in inner), "")
        return _result(inner, values.as_text(_plain(answer)))
    said = _plain([block])
    if type_ in _THOUGHTS and isinstance(said, str):
        return Part(kind=MessageKind.THOUGHT, text=said, speaker=speaker) if said.strip() else ""
    if isinstance(said, str):
        return said
    return f"<{values.text(block, 'modality') or type_}>"


def _plain(content: Any) -> Any:
    """The text of a list of text blocks; anything else as it is."""
    blocks = content if isinstance(content, list) else None
    if not blocks or not all(isinstance(block, Mapping) for block in blocks):
        return content
    # A blob's content is a picture or a sound in base64, which nobody reads.
    names = ("text", "content", "thinking", "reasoning", "refusal")
    texts = [
        next((block[name] for name in names if isinstance(block.get(name), str)), None)
        for block in blocks
        if block.get("type") != "blob"
    ]
    told = [text for text in texts if text is not None]
    return "\n".join(told) if len(told) == len(blocks) else content


def _call(call: Any, speaker: str | None) -> Part:
    """A call in any of the shapes; OpenAI's has its name and arguments one level down."""
    given = call if isinstance(call, Mapping) else {}
    function = given.get("function") if isinstance(given.get("function"), Mapping) else given
    assert isinstance(function, Mapping)
    arguments = values.first(function, "arguments", "args", "input")
    return Part(
        kind=MessageKind.TOOL_CALL,
        text=values.as_text(arguments) or "{}",
        speaker=speaker,
        tool=values.text(function, "name") or "tool",
        call_id=values.text(given, "id", "call_id", "toolUseId", "tool_call_id"),
    )


def _result(message: Mapping[str, Any], text: str) -> Part:
    return Part(
        kind=MessageKind.TOOL_RESULT,
        text=text,
        role=Role.TOOL,
        tool=values.text(message, "name"),
        call_id=values.text(message, "tool_call_id", "id", "call_id", "toolUseId", "tool_use_id"),
    )


def _list(value: Any) -> list[Any]:
    found = values.parsed(value)
    return found if isinstance(found, list) else []
