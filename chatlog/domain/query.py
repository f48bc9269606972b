"""The search box's language: words, "quoted text", and filters such as `agent:critic` or `after:2026-11-01`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from chatlog.domain.clock import midnight
from chatlog.domain.filters import SearchQuery, SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.search import Term, parse_terms

MAX_QUERY_CHARACTERS = 1_000
MAX_TERMS = 20

# name:value or name:"value with spaces"; the colon may be a full-width one.
_FILTER = re.compile(r'(?<!\S)(\w+)[:：](?:"([^"]*)"|([^\s"]*))')


class Field(StrEnum):
    """What can be filtered by."""

    AGENT = "agent"
    STATUS = "status"
    TAG = "tag"
    AFTER = "after"
    BEFORE = "before"


_NAMES = frozenset(Field)
_STATES = frozenset(SessionState)


class Complaint(StrEnum):
    """Why a part of a query is not understood."""

    UNKNOWN_STATUS = "unknown_status"
    NOT_A_DATE = "not_a_date"
    EMPTY = "empty"
    BACKWARDS = "backwards"
    TOO_LONG = "too_long"
    TOO_MANY_TERMS = "too_many_terms"


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a query that is not understood, as it was typed."""

    complaint: Complaint
    part: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is in force, and the query text that is left without it."""

    field: Field
    value: str
    text_without: str


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a query text asks for.

    Attributes:
        words: the text that is left without its filters.
        problems: what is not understood; nothing should be searched for while there are any.
    """

    text: str
    words: str
    terms: tuple[Term, ...] = ()
    values: Mapping[Field, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    chips: tuple[Chip, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def states(self) -> frozenset[SessionState]:
        """The statuses asked for."""
        return frozenset(SessionState(value) for value in self.values.get(Field.STATUS, ()))

    def as_search(self) -> SearchQuery:
        """The remarks that it asks for."""
        return SearchQuery(
            terms=self.terms,
            agents=self.values.get(Field.AGENT, ()),
            states=self.states,
            tags=self.values.get(Field.TAG, ()),
            since=self.since,
            until=self.until,
        )

    def as_filter(self) -> SessionFilter:
        """The sessions that it asks for."""
        return SessionFilter(
            terms=self.terms,
            agents=self.values.get(Field.AGENT, ()),
            states=self.states,
            tags=self.values.get(Field.TAG, ()),
            since=self.since,
            until=self.until,
        )


def parse_query(text: str, *, zone: tzinfo) -> ParsedQuery:
    """Read what somebody typed. Never raises: what is not understood is in `problems`.

    A word with a colon whose name is no filter's (`http://…`) is a word like others.

    Args:
        zone: whose days are meant. `after:` a day includes it, `before:` does not; each is cut at midnight.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        return ParsedQuery(text[:MAX_QUERY_CHARACTERS], "", problems=(Problem(Complaint.TOO_LONG, f"{len(text):,}"),))
    found = [match for match in _FILTER.finditer(text) if match[1].lower() in _NAMES]
    reader = _Reader(zone)
    values: dict[Field, tuple[str, ...]] = {}
    for match in found:
        name, value = Field(match[1].lower()), (match[2] or match[3] or "").strip()
        if reader.understands(name, value, part=match[0]):
            values[name] = tuple(dict.fromkeys((*values.get(name, ()), _normal(name, value))))
    words = _without(text, found)
    terms = parse_terms(words)
    if len(terms) > MAX_TERMS:
        reader.problems.append(Problem(Complaint.TOO_MANY_TERMS, f"{len(terms)}"))
    reader.check_order(values)
    chips = tuple(
        Chip(Field(match[1].lower()), (match[2] or match[3] or "").strip(), _without(text, [match])) for match in found
    )
    return ParsedQuery(text, words, terms, values, reader.since, reader.until, chips, tuple(reader.problems))


@dataclass(slots=True)
class _Reader:
    zone: tzinfo
    since: datetime | None = None
    until: datetime | None = None
    problems: list[Problem] = field(default_factory=list)

    def understands(self, name: Field, value: str, *, part: str) -> bool:
        complaint = Complaint.EMPTY if not value else _READERS[name](self, value)
        if complaint is not None:
            self.problems.append(Problem(complaint, part))
        return complaint is None

    def check_order(self, values: Mapping[Field, Sequence[str]]) -> None:
        if self.since is not None and self.until is not None and self.since >= self.until:
            self.problems.append(
                Problem(Complaint.BACKWARDS, f"after:{values[Field.AFTER][-1]} before:{values[Field.BEFORE][-1]}")
            )

    def read_after(self, value: str) -> Complaint | None:
        day = _find_day(value)
        if day is None:
            return Complaint.NOT_A_DATE
        self.since = midnight(day, self.zone)
        return None

    def read_before(self, value: str) -> Complaint | None:
        day = _find_day(value)
        if day is None:
            return Complaint.NOT_A_DATE
        self.until = midnight(day, self.zone)
        return None

    def read_status(self, value: str) -> Complaint | None:
        return None if value.lower() in _STATES else Complaint.UNKNOWN_STATUS

    def read_name(self, value: str) -> Complaint | None:  # noqa: ARG002  # any name may exist
        return None


_READERS: Mapping[Field, Callable[[_Reader, str], Complaint | None]] = {
    Field.AGENT: _Reader.read_name,
    Field.TAG: _Reader.read_name,
    Field.STATUS: _Reader.read_status,
    Field.AFTER: _Reader.read_after,
    Field.BEFORE: _Reader.read_before,
}


def _normal(name: Field, value: str) -> str:
    return value.lower() if name is Field.STATUS else value


def _find_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    # Its midnight in any zone must be a time that Python knows.
    return day if date.min + timedelta(days=2) < day < date.max - timedelta(days=2) else None


def _without(text: str, parts: Sequence[re.Match[str]]) -> str:
    pieces, end = [], 0
    for part in parts:
        pieces.append(text[end : part.start()])
        end = part.end()
    return " ".join("".join([*pieces, text[end:]]).split())
