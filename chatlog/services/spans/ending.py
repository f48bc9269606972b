"""When a discussion has ended, as far as its spans tell: with the root of a trace, or with this program's part of one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatlog.domain.models import MessageDraft, SessionStatus
from chatlog.services.spans.heard import Heard
from chatlog.services.spans.moments import to_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """That a discussion ended, as far as was known then.

    Attributes:
        time: nanoseconds since 1970.
        began: the same, of a part of a trace that another process has the rest of; `None` of the whole.
    """

    time: int
    trace_id: str
    status: SessionStatus
    began: int | None = None


def find_news(endings: Iterable[Ending], *, ended: Mapping[str, Ending], heard: Heard, now: datetime) -> list[Ending]:
    """Those that count, and did not before: `ended` has the last one of each trace.

    A part of a trace counts unless something of the trace was said before it and since the last part: then whoever said that
    waits for this part, and goes on. If nobody does, the rest of the trace may be in a process that sends nothing here.
    """
    in_order = sorted(endings, key=lambda ending: ending.time)
    times = heard.list_times({ending.trace_id for ending in in_order if ending.began is not None})
    last: dict[str, Ending] = {}
    news = []
    for ending in in_order:
        before = last.get(ending.trace_id) or ended.get(ending.trace_id)
        if before is not None and (before.time >= ending.time or (before.began is None and ending.began is not None)):
            continue
        if ending.began is not None:
            said = times.get(ending.trace_id, [])
            first = 0 if before is None else bisect_right(said, to_moment(before.time, now=now))
            if first < bisect_left(said, to_moment(ending.began, now=now)):
                continue
        last[ending.trace_id] = ending
        news.append(ending)
    return news


def find_status(
    news: Sequence[Ending], told: Iterable[MessageDraft], *, ended: Mapping[str, Ending], now: datetime
) -> SessionStatus | None:
    """How the discussion stands after that: ended, or active again because something was told later; `None` if as before."""
    last = max(news, key=lambda ending: ending.time, default=None)
    latest = {ending.trace_id: ending for ending in news}

    def goes_on(remark: MessageDraft) -> bool:
        """What comes of a trace after its root is late, and begins nothing; what was said after a part of one does."""
        trace_id = remark.metadata["trace_id"]
        before = latest.get(trace_id) or ended.get(trace_id)
        return before is None or (before.began is not None and remark.timestamp > to_moment(before.time, now=now))

    newest = max((remark.timestamp for remark in told if goes_on(remark)), default=None)
    if last is not None and (newest is None or newest <= to_moment(last.time, now=now)):
        return last.status
    return None if newest is None else SessionStatus.ACTIVE
