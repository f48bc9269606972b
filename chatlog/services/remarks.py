"""From what a framework says to what a store takes: text, ids and notes that no store refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chatlog.domain.clock import utc_now
from chatlog.domain.ids import check_id, new_message_id
from chatlog.domain.limits import MAX_SOURCE_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.domain.text import replace_unstorable
from chatlog.errors import InvalidId

_NO_TEXT = "(no text)"
_NO_NAME = "(no name)"
# The end of a traceback says most; a page need not show megabytes of it.
MAX_FAILURE_CHARACTERS = 20_000


def draft(
    *,
    framework: str,
    type_: str,
    said_id: str | None,
    source: str,
    text: str,
    kind: MessageKind,
    timestamp: datetime | None = None,
    models_usage: Mapping[str, int] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> MessageDraft:
    """The remark, with whatever no store keeps replaced and noted.

    Args:
        framework: begins the names of the notes that tell where it comes from: `autogen_type`, `autogen_id`.
        type_: what the framework calls such a remark.
        said_id: the framework's own id, by which a remark sent again is known; `None` if it has none.
        source: who speaks.
        text: Markdown.
        kind: what it is.
        timestamp: when it was said, UTC if it names no zone; now by default.
        models_usage: the tokens it took.
        notes: more metadata; JSON.
    """
    about: dict[str, Any] = {f"{framework}_type": type_, **(notes or {})}
    content, speaker = replace_unstorable(text), replace_unstorable(source)
    if (speaker, content) != (source, text):
        about["unstorable_replaced"] = True
    said_at = timestamp or utc_now()
    return MessageDraft(
        source=speaker.strip()[:MAX_SOURCE_CHARACTERS] or _NO_NAME,
        content=content if content.strip() else _NO_TEXT,
        message_id=_usable_id(said_id, f"{framework}_id", about),
        timestamp=said_at if said_at.tzinfo else said_at.replace(tzinfo=UTC),
        kind=kind,
        models_usage=models_usage,
        metadata=_storable(about),
    )


# What a part of a message is, says, and has to be noted of it.
Part = tuple[MessageKind, str, Mapping[str, Any]]


def drafts(
    parts: Sequence[Part],
    *,
    framework: str,
    type_: str,
    said_id: str | None,
    source: str,
    models_usage: Mapping[str, int] | None = None,
) -> Iterator[MessageDraft]:
    """The remarks of one message: the first has its id, the others one below it; the last has its tokens, once for all."""
    for number, (kind, text, notes) in enumerate(parts):
        yield draft(
            framework=framework,
            type_=type_,
            said_id=f"{said_id}.{number}" if number and said_id else said_id,
            source=source,
            text=text,
            kind=kind,
            models_usage=models_usage if number == len(parts) - 1 else None,
            notes=notes,
        )


def _usable_id(said_id: str | None, note: str, about: dict[str, Any]) -> str:
    if said_id is None:
        return new_message_id()
    try:
        return check_id(said_id, field="message_id")
    except InvalidId:
        about[note] = said_id
        return new_message_id()


def _storable(notes: dict[str, Any]) -> dict[str, Any]:
    """The notes without characters that no store keeps."""
    return {
        replace_unstorable(name): replace_unstorable(note) if isinstance(note, str) else note for name, note in notes.items()
    }


def call(name: str, arguments: str) -> str:
    """A call of a tool as Markdown. Its first line stays without marks: a page shows that of it while it is folded."""
    return f"{name}\n{fenced(_indented(arguments), 'json')}"


def result(name: str, text: str, *, failed: bool = False) -> str:
    """What a tool answered, as Markdown; the first line as that of a call."""
    return f"{name}{' failed' if failed else ''}\n{fenced(text)}"


def _indented(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except ValueError:  # a model may write anything; then that is what it called with
        return arguments


def fenced(text: str, language: str = "") -> str:
    """A Markdown code block that no backticks inside can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def failure(error: BaseException, *, source: str) -> MessageDraft:
    """The last remark of a run that failed. Some frameworks put a whole traceback there; its first line says what happened."""
    first, _, rest = replace_unstorable(str(error)).partition("\n")
    return MessageDraft(
        source=source,
        content=f"The run failed with {type(error).__name__}: {_cut(first) or 'no text'}"
        + (f"\n\n{fenced(_cut(rest))}" if rest else ""),
        kind=MessageKind.ERROR,
        metadata={"error": type(error).__name__},
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FAILURE_CHARACTERS else f"(shortened) … {text[-MAX_FAILURE_CHARACTERS:]}"
