"""Discussions as other programs write them: lists of `{role|source|name, content}`, failure logs, AutoGen's results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chatlog.domain.clock import parse_stored_timestamp
from chatlog.domain.ids import check_id
from chatlog.domain.limits import MAX_INTEGER, MAX_TASK_CHARACTERS, MAX_TITLE_CHARACTERS
from chatlog.domain.models import MessageDraft, Session, SessionStatus, draft_session
from chatlog.domain.text import replace_unstorable
from chatlog.errors import InvalidId, InvalidInput, InvalidTimestamp
from chatlog.services.formats.foreign_content import kind_of, read_content

TAG = "imported"
_MADE_UP = "import-"

_LISTS = ("messages", "history", "chat_history", "trajectory", "conversation", "conversations", "turns")
_SPEAKERS = ("source", "name", "author", "agent", "speaker", "sender", "role", "from")
_CONTENTS = ("content", "text", "value")
_TIMES = ("created_at", "timestamp", "time", "date", "ts")
_IDS = ("id", "message_id", "uuid")
_TASKS = ("task", "question", "problem_statement", "problem", "prompt", "instruction", "goal", "title")
_USAGES = ("models_usage", "usage")
_TITLES = ("title",)
# Past this a number of seconds since 1970 would be in the year 5138: it counts milliseconds.
_MILLISECONDS_FROM = 1e11


def parse_json(text: str | bytes) -> Any:
    """JSON with what no store keeps as text instead: NaN, and numbers past 2**53 - 1. Raises `ValueError`."""
    try:
        return json.loads(text, parse_constant=str, parse_int=_parse_int)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def find_messages(value: object) -> tuple[list[Any], dict[str, Any]] | None:
    """The list of messages in a document and what stands beside it, or `None` if there is no such list."""
    if isinstance(value, list):
        return (value, {}) if value and all(isinstance(entry, dict) for entry in value) else None
    if not isinstance(value, dict):
        return None
    name = next((name for name in _LISTS if isinstance(value.get(name), list)), None)
    return None if name is None else (value[name], {key: entry for key, entry in value.items() if key != name})


def is_message(value: object) -> bool:
    """Whether this is one message, and no document with messages inside."""
    return isinstance(value, dict) and find_messages(value) is None and _find(value, _SPEAKERS) is not None


class ForeignMessages:
    """Reads the messages of one discussion in their order.

    Args:
        began_at: when the discussion began; a message without a time was said when the one before it was.
    """

    def __init__(self, *, began_at: datetime) -> None:
        self._moment = began_at
        self._ids: set[int] = set()

    def read(self, record: object, *, number: int) -> MessageDraft:
        """The message of a record. Its id is the record's own or, without one, made of its number. Raises `InvalidInput`."""
        if not isinstance(record, dict):
            raise InvalidInput("message", f"{str(record)[:40]!r} is not an object.")
        rest = dict(record)
        source = _take(rest, _SPEAKERS)
        if not isinstance(source, str) or not source.strip():
            raise InvalidInput("source", f"nobody said it: none of {', '.join(_SPEAKERS)} is a name.")
        kind = kind_of(rest)
        content = read_content(rest, _CONTENTS)
        self._moment = _find_time(rest) or self._moment
        usage = _take(rest, _USAGES)
        return MessageDraft(
            source=replace_unstorable(source.strip()),
            content=content,
            message_id=self._choose_id(_take(rest, _IDS), number),
            timestamp=self._moment,
            kind=kind,
            models_usage=_storable(usage) if isinstance(usage, dict) else None,
            metadata=_storable(_flat(rest)),
        )

    def _choose_id(self, own: object, number: int) -> str:
        """The record's own id, if it can be one and is the first of its like."""
        try:
            own = check_id(str(own), field="id") if isinstance(own, str | int) else ""
        except InvalidId:
            own = ""
        if not own or own.startswith(_MADE_UP) or hash(own) in self._ids:
            return f"{_MADE_UP}{number:06d}"
        self._ids.add(hash(own))
        return own


def make_session(
    session_id: str, beside: Mapping[str, Any], *, first: Mapping[str, Any], name: str, modified_at: datetime
) -> Session:
    """The session of a discussion: completed, tagged `imported`. Raises `InvalidInput`.

    Args:
        beside: what stood beside the list of messages; becomes metadata.
        first: the first message, which tells the task if nothing else does.
        name: the task of last resort.
        modified_at: the beginning of last resort.
    """
    rest = dict(beside)
    began_at = _find_time(rest) or _find_time(dict(first)) or modified_at
    title = next((rest[key] for key in _TITLES if isinstance(rest.get(key), str)), "").strip()
    session = draft_session(
        session_id=session_id,
        task=_task(rest, first) or name,
        title=replace_unstorable(title[:MAX_TITLE_CHARACTERS]) or None,
        created_at=began_at,
        tags=(TAG,),
        metadata=_storable(_flat(rest)),
    )
    return replace(session, status=SessionStatus.COMPLETED)


def _task(rest: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    texts = [rest.get(key) for key in _TASKS]
    with suppress(InvalidInput):  # it is reported as a message; the task has other sources
        texts.append(read_content(dict(first), _CONTENTS))
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return replace_unstorable(text[:MAX_TASK_CHARACTERS])


def _find_time(rest: dict[str, Any]) -> datetime | None:
    """The first time that can be read, taken out of the record; one without a zone is meant in UTC. Others stay."""
    for key in _TIMES:
        moment = _read_time(rest.get(key))
        if moment is not None:
            del rest[key]
            return moment
    return None


def _read_time(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
        return parse_stored_timestamp(value, naive_zone=UTC) if isinstance(value, str) else None
    except (InvalidTimestamp, ValueError, OverflowError, OSError):  # "last Tuesday" says something, if not to a program
        return None


def _find(record: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((name for name in names if record.get(name) is not None), None)


def _take(rest: dict[str, Any], names: Iterable[str]) -> Any:
    """The first of those fields that says something, taken out."""
    name = _find(rest, names)
    return None if name is None else rest.pop(name)


def _flat(rest: dict[str, Any]) -> dict[str, Any]:
    """With what the other program kept as metadata beside the fields that chatlog has no place for."""
    inner = rest.pop("metadata", None)
    if not isinstance(inner, dict):
        inner = {} if inner is None else {"metadata": inner}
    return {key: value for key, value in {**inner, **rest}.items() if value not in (None, "", [], {})}


def _storable(value: Any) -> Any:
    """Without characters that no store keeps, at any depth."""
    if isinstance(value, str):
        return replace_unstorable(value)
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    if isinstance(value, dict):
        return {replace_unstorable(key): _storable(entry) for key, entry in value.items()}
    return value


def _parse_int(digits: str) -> int | str:
    return digits if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER else int(digits)
