"""What the queue holds, how much of it there may be, and how it is told about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chatlog.client.wire import MAX_BODY_BYTES, MAX_MESSAGES
from chatlog.domain.limits import MAX_INTEGER, check_number
from chatlog.errors import InvalidNumber


class EntryKind(StrEnum):
    """What an entry asks the site to do."""

    BEGIN = "begin"
    MESSAGE = "message"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to send: a session to begin or to change, or one message.

    Attributes:
        body: JSON, as it is sent.
        message_id: of a message.
    """

    session_id: str
    kind: EntryKind
    body: str
    message_id: str | None = None

    @property
    def size(self) -> int:
        """Bytes of the body, and of the comma that follows it in a list."""
        return len(self.body.encode()) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Entries that go out together: messages of one session, or one other entry.

    Attributes:
        numbers: where they stand in the queue; in the same order as `bodies` and `message_ids`.
    """

    session_id: str
    kind: EntryKind
    numbers: tuple[int, ...]
    bodies: tuple[str, ...]
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """What the site will never take, kept until somebody has looked at it.

    Attributes:
        number: names it in `RemoteStore.resend_refused` and `forget_refused`.
        kind: `"begin"`, `"message"` or `"change"`.
        content: what was to be sent, as the HTTP API describes it.
        reason: what the site said, or that its session was refused.
    """

    number: int
    session_id: str
    kind: EntryKind
    content: dict[str, Any]
    reason: str
    refused_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How full the queue of a site is, whichever process put it there.

    Attributes:
        waiting: messages, and sessions to begin or to change, that the site does not have yet.
        waiting_bytes: what they take as they are sent.
        refused: what the site will never take.
        refused_bytes: what that takes.
    """

    waiting: int = 0
    waiting_bytes: int = 0
    refused: int = 0
    refused_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How much may wait for a site, and how long for it to move on.

    Attributes:
        entries: how many messages and changes, refused ones included; 1,000 or more.
        size: how many bytes they may take, refused ones included; 8 MiB or more.
        full_seconds: how long a save waits for room in a full queue before it raises `StorageFull`.
        closing_seconds: how long `aclose()` goes on sending. What is left then is sent by the next process.
    Raises:
        InvalidNumber: a value below those limits.
    """

    entries: int = 100_000
    size: int = 256 * 1024 * 1024
    full_seconds: float = 30.0
    closing_seconds: float = 10.0

    def __post_init__(self) -> None:
        check_number(self.entries, field="entries", minimum=MAX_MESSAGES, maximum=MAX_INTEGER)
        check_number(self.size, field="size", minimum=2 * MAX_BODY_BYTES, maximum=MAX_INTEGER)
        for name in ("full_seconds", "closing_seconds"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InvalidNumber(name, f"{getattr(self, name)!r} is no number of seconds; it goes from 0 on.")
