"""Which span is inside which, as far as it is known: a span comes when it has ended, and those around it come later."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chatlog.services.spans.marks import Mark, Where
from chatlog.services.spans.span import Span

# Of each trace, the span around each of its spans that have come; "" around a root.
Parents = Mapping[str, Mapping[str, str]]

_MOST_CLIMBED = 200  # spans that are nested deeper are few, and whoever nests them endlessly must not keep us climbing
_MOST_KEPT = 500  # ways out; more than are compared for one remark


def parents_of(spans: Iterable[Span]) -> dict[str, dict[str, str]]:
    """What these spans say of themselves."""
    parents: dict[str, dict[str, str]] = {}
    for span in spans:
        of_trace = parents.setdefault(sys.intern(span.trace_id), {})
        of_trace[sys.intern(span.span_id)] = sys.intern(span.parent_id)
    return parents


@dataclass(frozen=True, slots=True)
class _Way:
    """From a span outwards.

    Attributes:
        passed: the spans around it.
        end: the last of them, of which nothing more is known; "" beyond a root, `None` if nothing is known at all.
    """

    passed: frozenset[str]
    end: str | None


class Lineage:
    """How the spans of some traces are nested."""

    def __init__(self, parents: Parents) -> None:
        self._parents = parents
        self._ways: dict[tuple[str, str], _Way] = {}

    def is_inside(self, mark: Mark, span: Span) -> bool | None:
        """Whether the span that told a remark of the same trace is inside that one.

        `None` if that is open, for a span between them may be missing: it has not ended, went to another process or was never
        sent.
        """
        if mark.parent_id is not None and mark.parent_id == span.parent_id:
            return False  # side by side, by far the most of those that say the same
        way = self._way(span.trace_id, mark.span_id or "", mark.parent_id)
        if span.span_id in way.passed or way.end is None:
            return True
        if way.end in {"", self._way(span.trace_id, span.span_id, span.parent_id).end}:
            return False
        return None

    def _way(self, trace_id: str, span_id: str, parent_id: str | None) -> _Way:
        found = self._ways.get((trace_id, span_id))
        if found is None:
            if len(self._ways) >= _MOST_KEPT:
                self._ways.clear()
            found = self._ways[trace_id, span_id] = self._climb(self._parents.get(trace_id, {}), span_id, parent_id)
        return found

    @staticmethod
    def _climb(parents: Mapping[str, str], span_id: str, parent_id: str | None) -> _Way:
        passed: set[str] = set()
        end = parents.get(span_id, parent_id)
        while end and end not in passed and len(passed) < _MOST_CLIMBED:
            passed.add(end)
            end = parents.get(end, end)
        return _Way(frozenset(passed), end)


@dataclass(frozen=True, slots=True)
class Inside:
    """Which remarks were told inside a span: while it went on, and by spans inside it.

    Attributes:
        if_open: which of those count of which that cannot be known.
    """

    span: Span
    since: datetime
    until: datetime
    lineage: Lineage
    if_open: Where

    def __call__(self, mark: Mark) -> bool:
        """Whether this one was."""
        if not self.since < mark.at <= self.until:
            return False
        if mark.span_id is None or mark.teller == "relay":  # written by others; handed on, perhaps in a trace of its own
            return True
        if mark.trace_id != self.span.trace_id:
            return False
        is_inside = self.lineage.is_inside(mark, self.span)
        return self.if_open(mark) if is_inside is None else is_inside
