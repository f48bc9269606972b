"""To which discussion each span belongs, and who is at work in it.

Spans come when they end, children before the spans around them. So a span's own words count first; then those of the spans
around it that came along; then what is known of its trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from chatlog.domain.ids import check_id
from chatlog.errors import InvalidId
from chatlog.services.spans.reading import Reading, Work
from chatlog.services.spans.span import Span

# A model that works for nobody who is known, and has no name itself.
_NOBODY = "assistant"


@dataclass(frozen=True, slots=True)
class Placed:
    """A span that tells something, and where that belongs.

    Attributes:
        session_id: the discussion.
        speaker: who is at work.
    """

    span: Span
    reading: Reading
    session_id: str
    speaker: str


def trace_session(trace_id: str) -> str:
    """The discussion of a trace that names none."""
    return f"trace_{trace_id}"


def conversation_session(conversation: str) -> str:
    """The discussion that spans call so: the name itself wherever it can be an id."""
    try:
        return check_id(conversation, field="conversation")
    except InvalidId:
        return "otel_" + hashlib.sha256(conversation.encode(errors="replace")).hexdigest()[:32]


class Placing:
    """Places the spans of one request.

    Args:
        spans: all that came, with what they tell; `None` for those that are not about agents.
        known: the discussions of traces that spans came of before.
    """

    def __init__(self, spans: Iterable[tuple[Span, Reading | None]], *, known: Mapping[str, str]) -> None:
        self._spans = list(spans)
        self._known = known
        self._by_id = {(span.trace_id, span.span_id): (span, reading) for span, reading in self._spans}
        self._speakers = _Inherited(self._by_id, lambda reading: reading.agent)
        self._conversations = _Inherited(self._by_id, lambda reading: reading.conversation)
        self._of_trace = self._name_traces()

    def place(self) -> list[Placed]:
        """Those that tell something, in the order they came."""
        return [
            Placed(span, reading, self._session(span), self._speaker(span, reading))
            for span, reading in self._spans
            if reading is not None
        ]

    def find_session(self, trace_id: str) -> str | None:
        """The discussion of a trace, if it has one."""
        return self._known.get(trace_id) or self._of_trace.get(trace_id)

    def _name_traces(self) -> dict[str, str]:
        """Each trace's discussion: what its earliest span with a name for it says, or the trace itself."""
        names: dict[str, str] = {}
        for span, reading in sorted(self._spans, key=lambda pair: pair[0].start):
            if reading is not None and reading.conversation:
                names.setdefault(span.trace_id, conversation_session(reading.conversation))
        for span, reading in self._spans:
            if reading is not None:
                names.setdefault(span.trace_id, trace_session(span.trace_id))
        return names

    def _session(self, span: Span) -> str:
        known = self._known.get(span.trace_id)
        if known == trace_session(span.trace_id):
            return known  # it began without a name; going on elsewhere would tear it apart
        conversation = self._conversations.find(span)
        if conversation is not None:
            return conversation_session(conversation)
        return known or self._of_trace[span.trace_id]

    def _speaker(self, span: Span, reading: Reading) -> str:
        if speaker := self._speakers.find(span):
            return speaker
        if reading.work is Work.MODEL:
            model = reading.notes.get("model")
            return _NOBODY if model in {None, "unknown"} else str(model)
        return reading.title or span.name or _NOBODY


class _Inherited:
    """What a span says of itself, or else the nearest span around it."""

    def __init__(
        self, by_id: Mapping[tuple[str, str], tuple[Span, Reading | None]], get: Callable[[Reading], str | None]
    ) -> None:
        self._by_id = by_id
        self._get = get
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, span: Span) -> str | None:
        """Each span is looked at once, however deep they are, and however crooked."""
        path: list[tuple[str, str]] = []
        on_path: set[tuple[str, str]] = set()
        key, value = (span.trace_id, span.span_id), None
        while key not in self._found and key in self._by_id and key not in on_path:
            path.append(key)
            on_path.add(key)
            around, reading = self._by_id[key]
            value = None if reading is None else self._get(reading)
            if value:
                break
            key = (around.trace_id, around.parent_id)
        else:
            value = self._found.get(key)
        for passed in path:
            self._found[passed] = value or None
        return value or None
