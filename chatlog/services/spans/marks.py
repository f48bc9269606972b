"""What is remembered of a remark: enough to know it again, and to know which span told it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chatlog.domain.models import JsonObject, Message, MessageDraft

# What makes two remarks the same words: the kind, and a hash of the text, which may be long.
Words = tuple[str, str]


@dataclass(slots=True)
class Mark:
    """One remark.

    Attributes:
        span_id: of the span that told it.
        parent_id: of the span around that; `None` for a root's, and for what was stored before it was noted.
        teller: what kind of work that span is about.
    """

    words: Words
    at: datetime
    source: str
    trace_id: str | None
    span_id: str | None
    parent_id: str | None
    teller: str | None
    has_usage: bool
    call_id: str | None


# Which remarks are meant.
Where = Callable[[Mark], bool]


def words_of(remark: MessageDraft | Message) -> Words:
    """What makes another remark the same words."""
    return remark.kind, hashlib.blake2b(remark.content.strip().encode(), digest_size=16).hexdigest()


def mark_of(remark: MessageDraft | Message) -> Mark:
    """What to remember of it."""
    notes = remark.metadata
    return Mark(
        words=words_of(remark),
        at=remark.timestamp,
        source=sys.intern(remark.source),
        trace_id=text_note(notes, "trace_id"),
        span_id=text_note(notes, "span_id"),
        parent_id=text_note(notes, "parent_id"),
        teller=text_note(notes, "otel_type"),
        has_usage=remark.models_usage is not None,
        call_id=text_note(notes, "call_id"),
    )


def during(since: datetime, until: datetime) -> Where:
    """What was said after `since`, up to `until`, by whomever."""
    return lambda mark: since < mark.at <= until


def everything(_: Mark) -> bool:
    """Whatever was said."""
    return True


def nothing(_: Mark) -> bool:
    """Nothing that was said."""
    return False


def may_repeat(source: str) -> Where:
    """What an agent may have for its own words: not what other agents gave back, for they work beside it."""
    return lambda mark: mark.teller != "agent" or mark.source == source


def text_note(notes: JsonObject, name: str) -> str | None:
    """A note, which somebody else may have made for something else. The same few come again and again: one copy is kept."""
    note = notes.get(name)
    return sys.intern(note) if isinstance(note, str) else None
