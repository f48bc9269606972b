"""From what a framework says to what a store takes: text, ids and notes that no store refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chatlog.domain.clock import utc_now
from chatlog.domain.code_blocks import fenced
from chatlog.domain.ids import check_id, new_message_id
from chatlog.domain.limits import MAX_SOURCE_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind, check_json_object
from chatlog.domain.text import replace_unstorable
from chatlog.errors import InvalidId, InvalidInput

_NO_TEXT = "(no text)"
_NO_NAME = "(no name)"
# What a remark can do without: where a framework or a user's own code gives something there that no store keeps.
_DISPENSABLE = ("timestamp", "kind", "models_usage")
# The end of a traceback says most; a page need not show megabytes of it.
MAX_FAILURE_CHARACTERS = 20_000
# Enough to see what could not be stored as it was.
MAX_NOTE_CHARACTERS = 1_000


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
    """The remark, with whatever no store keeps replaced or left out, and noted.

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
    if (replace_unstorable(source), replace_unstorable(text)) != (source, text):
        about["unstorable_replaced"] = True
    said_at = timestamp or utc_now()
    return _without_what_is_refused(
        source=usable_source(source),
        content=usable_text(text),
        message_id=_usable_id(said_id, f"{framework}_id", about),
        timestamp=said_at if said_at.tzinfo else said_at.replace(tzinfo=UTC),
        kind=kind,
        models_usage=models_usage,
        metadata=_storable(about),
    )


def _without_what_is_refused(**values: Any) -> MessageDraft:
    """The draft of those values; what is dispensable and refused is told in the metadata instead."""
    refused: dict[str, str] = {}
    while True:
        try:
            return MessageDraft(**values)
        except InvalidInput as error:
            if error.field not in _DISPENSABLE or error.field in refused:
                raise
            refused[error.field] = _short(error)
            del values[error.field]
            values["metadata"] = {**values["metadata"], "left_out": refused}


def usable_text(text: str) -> str:
    """What was said, as every store keeps it; for nothing, words that say so."""
    content = replace_unstorable(text)
    return content if content.strip() else _NO_TEXT


def usable_source(name: str) -> str:
    """A speaker's name as every store keeps it."""
    return replace_unstorable(name).strip()[:MAX_SOURCE_CHARACTERS].strip() or _NO_NAME


# What a part of a message is, says, and has to be noted of it.
Part = tuple[MessageKind, str, Mapping[str, Any]]


def drafts(
    parts: Sequence[Part],
    *,
    framework: str,
    type_: str,
    said_id: str | None,
    source: str,
    timestamp: datetime | None = None,
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
            timestamp=timestamp,
            models_usage=models_usage if number == len(parts) - 1 else None,
            notes=notes,
        )


def _usable_id(said_id: str | None, note: str, about: dict[str, Any]) -> str:
    if said_id is None:
        return new_message_id()
    try:
        return check_id(said_id, field="message_id")
    except InvalidId:
        about[note] = _short(said_id)
        return new_message_id()


def _storable(notes: dict[str, Any]) -> Mapping[str, Any]:
    """The notes; one that no store keeps as it is, as text."""
    try:
        return check_json_object(notes, field="metadata")
    except InvalidInput:
        return {_short(name): _storable_note(note) for name, note in notes.items()}


def _storable_note(note: Any) -> Any:
    try:
        return check_json_object({"note": note}, field="metadata")["note"]
    except InvalidInput:
        return replace_unstorable(note) if isinstance(note, str) else _short(note)


def _short(value: object) -> str:
    return replace_unstorable(str(value))[:MAX_NOTE_CHARACTERS]


def tokens(prompt: object, completion: object) -> dict[str, int] | None:
    """What an answer of a model took, in the names that chatlog uses; what is no number is left out."""
    told = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {name: number for name, number in told.items() if isinstance(number, int)} or None


def call(name: str, arguments: str) -> str:
    """A call of a tool as Markdown. Its first line stays without marks: a page shows that of it while it is folded."""
    return f"{name}\n{fenced(_indented(arguments), 'json')}"


def result(name: str, text: str, *, failed: bool = False) -> str:
    """What a tool answered, as Markdown; the first line as that of a call."""
    return f"{name}{' failed' if failed else ''}\n{fenced(text)}"


def _indented(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # a model may write anything; then that is what it called with
        return arguments


def failure(error: BaseException, *, source: str) -> MessageDraft:
    """The last remark of a run that failed. Some frameworks put a whole traceback there; its first line says what happened."""
    first, _, rest = replace_unstorable(_text_of(error)).partition("\n")
    return MessageDraft(
        source=source,
        content=f"The run failed with {type(error).__name__}: {_cut(first) or 'no text'}"
        + (f"\n\n{fenced(_cut(rest))}" if rest else ""),
        kind=MessageKind.ERROR,
        metadata={"error": type(error).__name__},
    )


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as unreadable:  # an error of the user's own may not even say what it is; the run's end must not feel that
        return f"(its text cannot be read: {type(unreadable).__name__})"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FAILURE_CHARACTERS else f"(shortened) … {text[-MAX_FAILURE_CHARACTERS:]}"
