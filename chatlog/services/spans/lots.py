"""The spans of one request, by the discussion that they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from chatlog.domain.models import SessionStatus
from chatlog.services.spans.ending import Ending
from chatlog.services.spans.lineage import Lineage
from chatlog.services.spans.placing import Placed, Placing
from chatlog.services.spans.reading import Reading, Work
from chatlog.services.spans.span import Span


@dataclass(slots=True)
class Lot:
    """The spans of one discussion, how they are nested, and what among them ended it."""

    lineage: Lineage
    placed: list[Placed] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)


def sort_into_lots(
    spans: Sequence[tuple[Span, Reading | None]], *, known: Mapping[str, str], lineage: Lineage
) -> dict[str, Lot]:
    """The lots by their session ids.

    Args:
        lineage: of the traces of these spans.
        known: the sessions of traces that spans came of before.
    """
    placing = Placing(spans, known=known)
    lots: defaultdict[str, Lot] = defaultdict(partial(Lot, lineage))
    for placed in placing.place():
        lot = lots[placed.session_id]
        lot.placed.append(placed)
        if placed.reading.ends is not None:
            lot.endings.append(Ending(time=placed.span.end, trace_id=placed.span.trace_id, status=placed.reading.ends))
    for span, reading in spans:
        session_id = placing.find_session(span.trace_id)
        if session_id is not None and _is_root(span, reading):
            status = SessionStatus.FAILED if span.failed else SessionStatus.COMPLETED
            began = span.start if span.parent_id else None
            lots[session_id].endings.append(Ending(time=span.end, trace_id=span.trace_id, status=status, began=began))
    return lots


def _is_root(span: Span, reading: Reading | None) -> bool:
    """Whether a run may end with it. AutoGen's runtime begins a trace for each message that it hands on."""
    return (not span.parent_id or span.parent_is_elsewhere) and (reading is None or reading.work is not Work.RELAY)
