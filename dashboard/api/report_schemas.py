"""What searching and counting take and answer, as types."""

from __future__ import annotations

from datetime import date

from ninja import Schema
from pydantic import Field

from chatlog.domain import limits
from chatlog.domain.models import SessionState
from chatlog.domain.query import MAX_QUERY_CHARACTERS
from chatlog.services.usage_range import MAX_RANGE_DAYS
from dashboard.api.schemas import Name, SessionOut, Time


class SearchQuery(Schema):
    q: str = Field(
        min_length=1,
        max_length=MAX_QUERY_CHARACTERS,
        description="Words, “quoted text”, filters as agent:critic.",
        examples=['"short names"'],
    )
    agent: list[Name] = Field([], max_length=10, description="Any of them said it.")
    status: list[SessionState] = Field([], max_length=len(SessionState), description="Of the session, any of them.")
    from_: date | None = Field(None, alias="from", description="Said on this day or later.")
    to: date | None = Field(None, description="Said on this day or earlier.")
    tz: str | None = Field(None, max_length=64, description="Whose days are meant: Asia/Tokyo. Without it, the server's zone.")
    cursor: str | None = Field(None, max_length=2_000, description="The next_cursor of the page before.")
    limit: int = Field(50, ge=1, le=limits.MAX_LIST_LIMIT)


class SnippetPiece(Schema):
    text: str
    is_match: bool


class Hit(Schema):
    sequence: int = Field(description="Of the message; 0 for the session's title and task.")
    source: str | None
    timestamp: Time
    snippet: list[SnippetPiece]


class FoundIn(Schema):
    session: SessionOut
    hits: list[Hit]


class Found(Schema):
    items: list[FoundIn]
    next_cursor: str | None


class UsageQuery(Schema):
    days: int = Field(30, ge=1, le=MAX_RANGE_DAYS)
    tz: str | None = Field(None, max_length=64, description="Whose days are meant: Asia/Tokyo. Without it, the server's zone.")


class Totals(Schema):
    sessions: int = Field(description="How many began.")
    messages: int
    agents: int


class Day(Schema):
    day: date
    messages: dict[str, int] = Field(description="By agent.")
    sessions: dict[str, int] = Field(description="How many began, by the status they have now.")


class Agent(Schema):
    name: str
    sessions: int
    messages: int
    letters: int
    share: float | None
    median_length: float | None
    prompt_tokens: int | None
    completion_tokens: int | None


class Usage(Schema):
    from_: date = Field(alias="from")
    to: date
    tz: str
    running: int
    totals: Totals
    before: Totals = Field(description="Of as many days before.")
    days: list[Day]
    hours: list[list[int]] = Field(description="Messages by weekday, Monday first, and hour.")
    agents: list[Agent]
    busiest: list[SessionOut]
