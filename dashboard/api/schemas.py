"""What is sent and what is answered, as types: they check the input, and are the OpenAPI document. Limits are the domain's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Discriminator, Field, WithJsonSchema
from pydantic import Tag as Choice

from chatlog.domain import limits
from chatlog.domain.ids import MAX_ID_CHARACTERS
from chatlog.domain.models import MessageKind, SessionState, SessionStatus

MAX_MESSAGES = 1_000

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)]
Name = Annotated[str, Field(min_length=1, max_length=limits.MAX_SOURCE_CHARACTERS)]
Tag = Annotated[str, Field(min_length=1, max_length=limits.MAX_TAG_CHARACTERS)]
Tags = Annotated[list[Tag], Field(max_length=limits.MAX_TAGS)]
Title = Annotated[str, Field(max_length=limits.MAX_TITLE_CHARACTERS)]
# Read by the domain, whose rules about times are stricter than pydantic's and whose words are better.
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
JsonObject = dict[str, Any]
Count = Annotated[int, Field(ge=0, le=limits.MAX_INTEGER)]


def _example(value: JsonObject) -> ConfigDict:
    """For the document and the page made from it."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class Sent(BaseModel):
    """What comes in: every field is known, and has its type.

    Not ninja's `Schema`: that wraps each object in case it is one of Django's, a quarter of the work on a list of messages.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


class NewSession(Sent):
    model_config = _example(
        {"task": "A name for the product", "participants": ["market_analyst", "critic"], "tags": ["naming"]}
    )

    task: Annotated[str, Field(min_length=1, max_length=limits.MAX_TASK_CHARACTERS)]
    participants: Annotated[list[Name], Field(max_length=limits.MAX_PARTICIPANTS)] = []
    session_id: Id | None = Field(None, description="A name of your own; sending it again with the same task changes nothing.")
    title: Title | None = None
    tags: Tags = []
    metadata: JsonObject = Field(default_factory=dict)
    created_at: Annotated[
        Time | None, Field(description="When it began, with its offset from UTC. Without it: when it came in.")
    ] = None


class SessionChange(Sent):
    model_config = _example({"status": "completed"})

    status: Annotated[SessionStatus | None, Field(strict=False)] = None
    title: Title | None = Field(None, description="An empty text takes the title away.")
    tags: Tags | None = None


class NewMessage(Sent):
    model_config = _example({"source": "market_analyst", "content": "Short names are **taken**.", "message_id": "remark-1"})

    source: Annotated[Name, Field(description="Who says it.")]
    content: Annotated[
        str,
        Field(
            min_length=1,
            description=f"What is said, Markdown. A message may have {limits.MAX_ITEM_BYTES:,} bytes of JSON as it is stored, "
            "its text twice (as written and as searched): a million letters, or 340,000 of Japanese.",
        ),
    ]
    timestamp: Annotated[
        Time | None, Field(description="When it was said, with its offset from UTC. Without it: when it came in.")
    ] = None
    message_id: Annotated[
        Id | None, Field(description="Fixed before the first attempt to send: sending it again stores nothing.")
    ] = None
    kind: Annotated[str, Field(min_length=1, max_length=limits.MAX_KIND_CHARACTERS)] = MessageKind.TEXT.value
    models_usage: JsonObject | None = Field(None, description="For example prompt_tokens and completion_tokens.")
    metadata: JsonObject = Field(default_factory=dict)  # a default that could be changed would be copied for each message


def _one_or_many(value: object) -> str:
    return "many" if isinstance(value, list) else "one"


NewMessages = Annotated[
    Annotated[NewMessage, Choice("one")]
    | Annotated[list[NewMessage], Field(min_length=1, max_length=MAX_MESSAGES), Choice("many")],
    Discriminator(_one_or_many),
]


class SessionOut(Schema):
    session_id: str
    task: str
    title: str | None
    status: SessionStatus
    state: SessionState = Field(description="As it looks now: an active session is running, or stalled.")
    created_at: Time
    updated_at: Time
    last_message_at: Time | None
    message_count: int
    participants: list[str]
    tags: list[str]
    metadata: JsonObject


class SessionList(Schema):
    items: list[SessionOut]
    next_cursor: str | None = Field(description="Pass it as cursor for what comes after; null at the end.")


class MessageOut(Schema):
    session_id: str
    sequence: int = Field(description="Its number in the session: 1, 2, 3 … without a gap.")
    message_id: str
    source: str
    content: str
    timestamp: Time
    kind: str
    models_usage: JsonObject | None
    metadata: JsonObject


class MessageList(Schema):
    items: list[MessageOut]
    next_after: int | None = Field(description="Pass it as after for what comes then; null if this was all there is so far.")


class Stored(Schema):
    sequence: int
    message_id: str


class StreamEvent(Schema):
    """Fields of a server-sent event."""

    event: Literal["message", "session", "end"] = Field(
        "message",
        description="What `data` is: a MessageOut; `session`: a SessionOut; `end`: the `reason` why nothing more comes.",
    )
    id: str = Field(
        "", pattern="^[0-9]{1,16}$", description="A message's sequence. Sent as Last-Event-ID, it is gone on after it."
    )
    data: str = Field(description="JSON.")


class FieldErrorOut(Schema):
    field: str
    message: str
    value: Any = None
    limit: Any = None


class ProblemOut(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorOut] = []


class SessionQuery(Schema):
    status: list[SessionState] = Field([], max_length=len(SessionState), description="Any of them.")
    agent: list[Name] = Field([], max_length=10, description="Each of them takes part.")
    tag: list[Tag] = Field([], max_length=10, description="Each of them is on the session.")
    from_: date | None = Field(None, alias="from", description="Something still went on on this day or later.")
    to: date | None = Field(None, description="It began on this day or earlier.")
    tz: str | None = Field(None, max_length=64, description="Whose days are meant: Asia/Tokyo. Without it, the server's zone.")
    cursor: str | None = Field(None, max_length=2_000, description="The next_cursor of the page before.")
    limit: int = Field(50, ge=1, le=limits.MAX_LIST_LIMIT)


class MessageQuery(Schema):
    after: Count = Field(0, description="The sequence of the last message that is known already.")
    limit: int = Field(200, ge=1, le=limits.MAX_LIST_LIMIT)
