"""What a span tells, whichever dialect it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from chatlog.domain.models import MessageKind, SessionStatus


class Work(Enum):
    """What a span is about."""

    MODEL = auto()  # a model is asked and answers
    AGENT = auto()  # an agent, a team or a workflow does its work, which has models' and tools' work inside
    TOOL = auto()  # a tool is used
    RELAY = auto()  # a remark is handed on, complete with its id and its speaker
    OTHER = auto()  # tells nothing; it may still name who is at work, and be the root of its trace


class Role(Enum):
    """From whom a model has a part of a conversation."""

    PERSON = auto()
    MODEL = auto()
    TOOL = auto()
    INSTRUCTIONS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of what was said.

    Attributes:
        text: what was said; the arguments of a call, JSON if they are; what a tool answered.
        speaker: whose words it is, where the span says so.
        tool: the tool's name, of calls and results.
        call_id: by which a call and its result know each other.
        notes: whatever else belongs to it.
    """

    kind: MessageKind
    text: str
    role: Role = Role.MODEL
    speaker: str | None = None
    tool: str | None = None
    call_id: str | None = None
    failed: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """A remark that a framework hands on as it is."""

    said_id: str
    speaker: str
    at: datetime | None
    parts: tuple[Part, ...]
    usage: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one span tells.

    Attributes:
        agent: who is at work, as far as the span itself says.
        conversation: the discussion it belongs to, as far as the span itself says.
        heard: what a model or an agent was given, the whole of it.
        said: what came out.
        usage: the tokens it took.
        notes: the model, the provider and whatever else is worth keeping with each remark.
        relayed: the remarks that are handed on.
        title: what the work is called, for a session in which nobody asks anything.
        ends: how it leaves the discussion, if it ends it.
    """

    work: Work
    agent: str | None = None
    conversation: str | None = None
    heard: tuple[Part, ...] = ()
    said: tuple[Part, ...] = ()
    usage: Mapping[str, int] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    relayed: tuple[Relayed, ...] = ()
    title: str | None = None
    ends: SessionStatus | None = None
