"""What a session and a message are. Plain values: making one checks it, nothing here touches a store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from chatlog.domain import limits
from chatlog.domain.activity import Activity
from chatlog.domain.clock import parse_timestamp, utc_now
from chatlog.domain.ids import check_id, new_message_id, new_session_id
from chatlog.domain.text import check_text, search_form
from chatlog.errors import InvalidInput, InvalidNumber, InvalidText

JsonObject = Mapping[str, Any]


class SessionStatus(StrEnum):
    """How a discussion stands, as its writer said. Whether it went silent is derived: `Session.is_stalled`."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SessionState(StrEnum):
    """How a discussion looks to whoever watches: its status, with `active` told apart by whether anything still comes."""

    RUNNING = "running"
    STALLED = "stalled"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class MessageKind(StrEnum):
    """What a message is. The set is open: a store keeps any other word too, and the pages show it as it is."""

    TEXT = "text"
    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    HANDOFF = "handoff"
    ERROR = "error"
    EVENT = "event"


# What goes on beside the talk: shown to people as a line that can be opened.
FOLDED_KINDS = frozenset({MessageKind.TOOL_CALL, MessageKind.TOOL_RESULT, MessageKind.THOUGHT, MessageKind.EVENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A remark that is not stored yet. It has its id from the start, so that sending it twice stores it once.

    Attributes:
        source: who speaks, 1 to 255 characters.
        content: what is said, Markdown; at most what fits a stored item (2 MB of JSON).
        message_id: the framework's own id where it has one; else a new UUIDv7.
        timestamp: when it was said, in UTC; the moment of drafting by default.
        kind: a `MessageKind` or a word of your own.
        models_usage: the tokens it took, for example `{"prompt_tokens": 120, "completion_tokens": 48}`.
        metadata: whatever else belongs to it; a JSON object.

    Raises:
        InvalidInput: a value no store would keep unchanged; the error names the field.
    """

    source: str
    content: str
    message_id: str = field(default_factory=new_message_id)
    timestamp: datetime = field(default_factory=utc_now)
    kind: str = MessageKind.TEXT
    models_usage: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_source(self.source)
        check_text(self.content, field="content")
        check_id(self.message_id, field="message_id")
        check_text(self.kind, field="kind", max_characters=limits.MAX_KIND_CHARACTERS)
        _set(self, "timestamp", parse_timestamp(self.timestamp))
        _set(self, "kind", str(self.kind))
        if self.models_usage is not None:
            _set(self, "models_usage", check_json_object(self.models_usage, field="models_usage"))
        _set(self, "metadata", check_json_object(self.metadata, field="metadata"))

    def says_the_same_as(self, other: MessageDraft) -> bool:
        """Whether `other` is this remark once more; see `Message.says_the_same_as`."""
        return self.source == other.source and self.content == other.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored remark.

    Attributes:
        sequence: its number in the session: 1, 2, 3 … without a gap; 0 while it waits in the queue of `chatlog.client`.
        extra: fields of the stored document that chatlog does not know, kept as they are.
    """

    session_id: str
    sequence: int
    message_id: str
    source: str
    content: str
    timestamp: datetime
    kind: str = MessageKind.TEXT
    models_usage: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)
    extra: JsonObject = field(default_factory=dict)

    @classmethod
    def from_draft(cls, draft: MessageDraft, *, session_id: str, sequence: int) -> Message:
        """The message that `draft` becomes once it is stored under that number."""
        return cls(
            session_id=session_id,
            sequence=sequence,
            message_id=draft.message_id,
            source=draft.source,
            content=draft.content,
            timestamp=draft.timestamp,
            kind=draft.kind,
            models_usage=draft.models_usage,
            metadata=draft.metadata,
        )

    def says_the_same_as(self, draft: MessageDraft) -> bool:
        """Whether `draft` is this remark sent again: same speaker, same text. Clocks and figures may differ."""
        return self.source == draft.source and self.content == draft.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One discussion.

    Attributes:
        participants: who was announced and who spoke, in the order they came.
        message_count: how many messages are stored; on Cosmos DB up to about a second behind while someone writes.
        activity: when they came; as far behind as the count, and only roughly right where several processes write at once.
        extra: fields of the stored document that chatlog does not know, kept as they are.
    """

    session_id: str
    task: str
    created_at: datetime
    updated_at: datetime
    status: SessionStatus = SessionStatus.ACTIVE
    message_count: int = 0
    last_message_at: datetime | None = None
    participants: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    title: str | None = None
    activity: Activity = field(default_factory=Activity)
    metadata: JsonObject = field(default_factory=dict)
    extra: JsonObject = field(default_factory=dict)

    @property
    def headline_form(self) -> str:
        """Title and task in the form in which they are searched."""
        return search_form(f"{self.title or ''}\n{self.task}").strip()

    @property
    def last_activity_at(self) -> datetime:
        """When something last happened in it: its last message, or its beginning."""
        return self.created_at if self.last_message_at is None else max(self.created_at, self.last_message_at)

    def silence(self, now: datetime) -> timedelta:
        """How long nothing has been said; never negative, whatever the writer's clock."""
        return max(timedelta(0), now - self.last_activity_at)

    def is_stalled(self, now: datetime) -> bool:
        """Whether it should be running and is not: active, yet silent for longer than `limits.STALLED_AFTER`."""
        return self.status is SessionStatus.ACTIVE and self.silence(now) > limits.STALLED_AFTER

    def state(self, now: datetime) -> SessionState:
        """How it looks at this moment."""
        if self.status is not SessionStatus.ACTIVE:
            return SessionState(self.status.value)
        return SessionState.STALLED if self.is_stalled(now) else SessionState.RUNNING


def draft_session(
    *,
    task: str,
    session_id: str | None = None,
    participants: Iterable[str] = (),
    title: str | None = None,
    tags: Iterable[str] = (),
    metadata: JsonObject | None = None,
    created_at: datetime | None = None,
) -> Session:
    """A checked session that is not stored yet: active, without messages.

    Raises:
        InvalidInput: a value no store would keep unchanged; the error names the field.
    """
    now = utc_now() if created_at is None else parse_timestamp(created_at, field="created_at")
    return Session(
        session_id=new_session_id(now) if session_id is None else check_id(session_id, field="session_id"),
        task=check_text(task, field="task", max_characters=limits.MAX_TASK_CHARACTERS),
        created_at=now,
        updated_at=now,
        participants=check_participants(participants),
        title=check_title(title),
        tags=check_tags(tags),
        metadata=check_json_object(metadata or {}, field="metadata"),
    )


def check_source(value: object, *, field: str = "source") -> str:
    """Return `value` if it can be a speaker's name."""
    return check_text(value, field=field, max_characters=limits.MAX_SOURCE_CHARACTERS)


def check_participants(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without repeats, in their order."""
    return _check_words(names, field="participants", most=limits.MAX_PARTICIPANTS, longest=limits.MAX_SOURCE_CHARACTERS)


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags without repeats, in their order."""
    return _check_words(tags, field="tags", most=limits.MAX_TAGS, longest=limits.MAX_TAG_CHARACTERS)


def check_title(title: object) -> str | None:
    """Return the title, or `None` for "none"."""
    return None if title is None else check_text(title, field="title", max_characters=limits.MAX_TITLE_CHARACTERS)


def check_json_object(value: object, *, field: str) -> JsonObject:
    """Return `value` as it will be read back: a JSON object, its tuples lists, its keys text.

    Raises:
        InvalidInput: not an object, not JSON (NaN, bytes, circular), an integer past 2**53 - 1, or text without UTF-8 form.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(field, f"{value!r} must be a JSON object (a dict), not {type(value).__name__}.")
    if not value:
        return _NOTHING
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        copy: JsonObject = json.loads(text, parse_int=lambda digits: _exact_integer(digits, field=field))
    except InvalidInput:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(field, f"cannot be written as JSON: {error}.") from error
    check_text(text, field=field)
    if _WRITTEN_NUL.search(text):
        raise InvalidText(field, "has a NUL character, which no store can keep. Take it out.")
    return copy


def _exact_integer(digits: str, *, field: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > limits.MAX_INTEGER:
        raise InvalidNumber(field, f"{digits[:40]} is past 2**53 - 1, where JSON stores lose digits; pass it as text.")
    return int(digits)


def _check_words(words: Iterable[str], *, field: str, most: int, longest: int) -> tuple[str, ...]:
    if isinstance(words, str):
        raise InvalidInput(field, f"{words!r} is one text; it must be a list of them.")
    unique = tuple(dict.fromkeys(check_text(word, field=field, max_characters=longest) for word in words))
    if len(unique) > most:
        raise InvalidInput(field, f"has {len(unique)} entries; the limit is {most}.")
    return unique


def _set(frozen: object, name: str, value: object) -> None:
    object.__setattr__(frozen, name, value)


# As JSON writes it. Behind another backslash those are six plain characters, as in a text that is JSON itself.
_WRITTEN_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NOTHING: Final[JsonObject] = {}
