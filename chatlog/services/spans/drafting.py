"""One part of a span as a remark that every store takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chatlog.domain import remarks
from chatlog.domain.ids import MAX_ID_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.errors import ItemTooLarge
from chatlog.services.spans import values
from chatlog.services.spans.placing import Placed
from chatlog.services.spans.reading import Part, Reading, Work
from chatlog.services.spans.span import Span
from chatlog.storage.documents import check_drafts_fit, fitting_characters

# Below this nothing can be larger than a store takes, whatever its characters are (`chatlog.storage.documents`).
_SURELY_FITTING = 30_000
# Of a stored item, for everything but its text: ids, a speaker, a tool, some ten notes as long as any may be.
_SPARE_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A span, with its times as far as they can be.

    Attributes:
        start: when it began, or when it came in.
        end: not before that.
    """

    placed: Placed
    start: datetime
    end: datetime

    @property
    def span(self) -> Span:
        """The span itself."""
        return self.placed.span

    @property
    def reading(self) -> Reading:
        """What it tells."""
        return self.placed.reading

    @property
    def work(self) -> Work:
        """What it is about."""
        return self.placed.reading.work

    @property
    def speaker(self) -> str:
        """Who is at work."""
        return self.placed.speaker

    def id_of(self, number: int | str) -> str:
        """The id of a remark that only this span can tell."""
        return f"{self.span.trace_id}.{self.span.span_id}.{number}"

    def with_usage(self, told: list[MessageDraft], *, usage: Mapping[str, int] | None = None) -> Iterator[MessageDraft]:
        """The remarks, the last of them with the tokens, once for all."""
        usage = usage or self.reading.usage
        yield from told[:-1]
        for last in told[-1:]:
            yield last if usage is None else replace(last, models_usage=usage)

    def failure(self) -> str | None:
        """What it failed with, if it did."""
        if not self.span.failed:
            return None
        exceptions = [event.attributes for event in self.span.events if event.name == "exception"]
        if not exceptions:
            return self.span.status_message or values.text(self.span.attributes, "error.type") or "Failed without a reason."
        last = exceptions[-1]
        name = (values.text(last, "exception.type") or "Error").rpartition(".")[2]
        return f"{name}: {values.text(last, 'exception.message') or 'no text'}"


def draft(
    frame: Frame,
    part: Part,
    *,
    type_: str,
    source: str,
    said_id: str | None = None,
    at: datetime | None = None,
    notes: Mapping[str, Any] | None = None,
) -> MessageDraft:
    """The remark; one that is larger than a store takes is shortened, and says so.

    Args:
        type_: what kind of work told it, which `Heard` needs to know.
        said_id: fixed by what it is, so that telling it again stores nothing.
        at: when it was said; the span's end by default.
    """
    noted = {**frame.reading.notes, **_about(frame), "tool": part.tool, "call_id": part.call_id, **part.notes, **(notes or {})}

    def make(said: Part, **more: Any) -> MessageDraft:
        return remarks.draft(
            framework="otel",
            type_=type_,
            said_id=said_id,
            source=source,
            text=_readable(said),
            kind=said.kind,
            timestamp=at or frame.end,
            notes={name: _short(note) for name, note in {**noted, **more}.items() if note is not None},
        )

    return _fitting(part, make)


def fixed_id(*what: object) -> str:
    """An id that is made of what a remark is, for remarks that several spans tell."""
    return "otel_" + hashlib.sha256("\0".join(map(str, what)).encode(errors="replace")).hexdigest()[:32]


def _about(frame: Frame) -> dict[str, Any]:
    span = frame.span
    return {"trace_id": span.trace_id, "span_id": span.span_id, "parent_id": span.parent_id or None, "span": span.name or None}


def _short(note: Any) -> Any:
    return note[: remarks.MAX_NOTE_CHARACTERS] if isinstance(note, str) else note


def _readable(part: Part) -> str:
    tool = _short(part.tool)
    if part.kind == MessageKind.TOOL_CALL and tool:
        return remarks.call(tool, part.text)
    if part.kind == MessageKind.TOOL_RESULT and tool:
        return remarks.result(tool, part.text, failed=part.failed)
    return part.text


def _fitting(part: Part, make: Callable[..., MessageDraft]) -> MessageDraft:
    """The whole remark, or its beginning: a page has to show what an exporter sent, and cannot ask it to send less."""
    remark = make(part)
    if len(remark.content) < _SURELY_FITTING:
        return remark
    kept = fitting_characters(part.text, spare_bytes=_SPARE_BYTES)
    if kept < len(part.text):
        remark = make(_shortened(part, kept), shortened_from=len(part.text))
    while kept and not _fits(remark):
        kept //= 2  # text takes more room on a page: arguments with their indentation, backticks with a longer fence around
        remark = make(_shortened(part, kept), shortened_from=len(part.text))
    return remark


def _shortened(part: Part, kept: int) -> Part:
    return replace(part, text=f"{part.text[:kept]}\n\n(shortened: {kept:,} of {len(part.text):,} characters)")


def _fits(remark: MessageDraft) -> bool:
    try:
        check_drafts_fit([remark], session_id="x" * MAX_ID_CHARACTERS)
    except ItemTooLarge:
        return False
    return True
