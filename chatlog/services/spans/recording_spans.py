"""Use case: spans come in, remarks are stored, each once, in the session that they belong to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, MessageDraft, SessionStatus
from chatlog.errors import IdempotencyConflict, InvalidInput, SessionDeleted, SessionExists, SessionNotFound
from chatlog.services.batches import in_batches
from chatlog.services.recording import Signals, record_change, record_messages, record_session
from chatlog.services.spans.beginning import begin
from chatlog.services.spans.dialects import read
from chatlog.services.spans.heard import Heard
from chatlog.services.spans.lots import Lot, sort_into_lots
from chatlog.services.spans.memory import Discussion, SpanMemory
from chatlog.services.spans.moments import to_moment
from chatlog.services.spans.placing import trace_session
from chatlog.services.spans.reading import Reading
from chatlog.services.spans.span import Span
from chatlog.services.spans.telling import Telling
from chatlog.storage.base import SessionStore

_TRACE_ID = re.compile("(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile("(?!0{16})[0-9a-f]{16}")
_MOST_LOOKED_UP = 1_000


@dataclass(slots=True)
class Taken:
    """What came of it.

    Attributes:
        stored: how many remarks were stored.
        refused: why spans were refused, a text for each.
    """

    stored: int = 0
    refused: list[str] = field(default_factory=list)


class SpanRecorder:
    """Stores what spans tell, and tells watchers; one for an event loop.

    Args:
        store: where to.
        signals: whom to tell.
        memory: what was remembered before; the same for each recorder of an event loop.
    """

    def __init__(self, store: SessionStore, signals: Signals, *, memory: SpanMemory) -> None:
        self._store = store
        self._signals = signals
        self._memory = memory

    async def record(self, spans: Sequence[Span]) -> Taken:
        """Store what is new in these spans. Sending the same ones again stores nothing.

        Raises:
            StorageError: some or all may or may not be stored; send the same spans again.
        """
        taken = Taken()
        good = list(_with_ids(spans, taken))
        # Many spans, with whole conversations in each: what takes long is done in threads, for the event loop serves others.
        found = await asyncio.to_thread(lambda: [(span, read(span)) for span in good])
        await self._find_traces(found)
        lots = await asyncio.to_thread(sort_into_lots, found, known=dict(self._memory.traces))
        for session_id, lot in lots.items():
            try:
                of_lot = await self._record_lot(session_id, lot)
                taken.stored += of_lot.stored
                taken.refused += of_lot.refused
            except (SessionDeleted, InvalidInput) as error:  # sent again it would be refused again; other sessions are not
                taken.refused += [str(error)] * len(lot.placed)
            self._remember_traces(session_id, lot)
        return taken

    def _remember_traces(self, session_id: str, lot: Lot) -> None:
        """A trace stays where it began. It began nowhere as long as nothing was told, and nothing named its conversation."""
        is_there = self._memory.discussion(session_id).is_there
        for trace_id in {placed.span.trace_id for placed in lot.placed}:
            if is_there or session_id != trace_session(trace_id):
                self._memory.traces.keep(trace_id, session_id)

    async def _find_traces(self, spans: Sequence[tuple[Span, Reading | None]]) -> None:
        """Find the sessions of traces that began before anything named their conversation, perhaps in another process."""
        named = {span.trace_id for span, reading in spans if reading is not None and reading.conversation}
        unknown = sorted(trace_id for trace_id in named if trace_id not in self._memory.traces)
        for first in range(0, len(unknown), _MOST_LOOKED_UP):
            wanted = {trace_session(trace_id): trace_id for trace_id in unknown[first : first + _MOST_LOOKED_UP]}
            for session in await self._store.get_sessions(list(wanted)):
                self._memory.traces.put(wanted[session.session_id], session.session_id)

    async def _record_lot(self, session_id: str, lot: Lot) -> Taken:
        while True:
            discussion = self._memory.discussion(session_id)
            async with discussion.turn:
                # Whoever had the turn before may have failed: then this one counts remarks as said that are not stored.
                if self._memory.discussion(session_id) is discussion:
                    return await self._record_or_forget(session_id, lot, discussion)

    async def _record_or_forget(self, session_id: str, lot: Lot, discussion: Discussion) -> Taken:
        try:
            return await self._record_in_turn(session_id, lot, discussion)
        except SessionDeleted:
            self._memory.forget(session_id)
            raise
        except SessionNotFound:  # removed for good since it was last looked at: then it begins anew
            self._memory.forget(session_id)
            return await self._record_in_turn(session_id, lot, Discussion())
        except BaseException:  # raised again: what was told may not be stored, and must not count as said
            self._memory.forget(session_id)
            raise

    async def _record_in_turn(self, session_id: str, lot: Lot, discussion: Discussion) -> Taken:
        if not discussion.is_there:
            first, _ = await _tell(Heard(), lot)
            if first:
                await self._begin(session_id, first, lot)
            elif not await self._store.get_sessions([session_id]):
                return Taken()  # spans without a word in them begin nothing
            discussion.is_there = True
        await discussion.catch_up(self._store, session_id)
        told, contradictions = await _tell(discussion.heard, lot)
        taken = Taken()
        for batch in in_batches(told):
            saved, clashing = await self._save(session_id, batch, discussion)
            discussion.pass_over(saved)
            taken.stored += len(saved)
            contradictions += clashing
        await self._set_status(session_id, lot, told)
        taken.refused += _name_spans(session_id, contradictions)
        return taken

    async def _begin(self, session_id: str, first: list[MessageDraft], lot: Lot) -> None:
        """Create the session. One that is there already, begun by whomever, is gone on with."""
        try:
            await record_session(self._store, self._signals, session=begin(session_id, first, lot))
        except SessionExists:
            return

    async def _save(
        self, session_id: str, batch: list[MessageDraft], discussion: Discussion
    ) -> tuple[list[Message], list[MessageDraft]]:
        """What was stored, and what was not because other words are stored under its id."""
        clashing: list[MessageDraft] = []
        while batch:
            try:
                return await record_messages(self._store, self._signals, session_id=session_id, drafts=batch), clashing
            except IdempotencyConflict as error:
                # What is stored stands: another process told it at the same time, in the same words or in others.
                refused = next(draft for draft in batch if draft.message_id == error.message_id)
                batch = [draft for draft in batch if draft.message_id != error.message_id]
                if not await discussion.has_words(self._store, session_id, refused):
                    clashing.append(refused)
                    self._memory.forget(session_id)  # where it counts as said
        return [], clashing

    async def _set_status(self, session_id: str, lot: Lot, told: list[MessageDraft]) -> None:
        """An ended root ends the discussion; what is told after that makes it active again."""
        ended = self._memory.ended
        news = [ending for ending in lot.endings if ending.time > ended.get(ending.trace_id, -1)]
        last = max(news, key=lambda ending: ending.time, default=None)
        # What comes of a trace after its root is late, and begins nothing.
        ending_now = {ending.trace_id for ending in news}
        trace_of = [(draft.metadata["trace_id"], draft.timestamp) for draft in told]
        newest = max((at for trace_id, at in trace_of if trace_id not in ended and trace_id not in ending_now), default=None)
        if last is not None and (newest is None or newest <= to_moment(last.time, now=utc_now())):
            await self._change(session_id, last.status)
        elif newest is not None:
            await self._change(session_id, SessionStatus.ACTIVE)
        for ending in news:
            ended.put(ending.trace_id, max(ending.time, ended.get(ending.trace_id, -1)))

    async def _change(self, session_id: str, status: SessionStatus) -> None:
        if (await self._store.get_session(session_id)).status is not status:
            await record_change(self._store, self._signals, session_id=session_id, status=status)


async def _tell(heard: Heard, lot: Lot) -> tuple[list[MessageDraft], list[MessageDraft]]:
    """The remarks that are new, and those whose ids have other words already."""
    telling = Telling(heard, now=utc_now())
    return await asyncio.to_thread(lambda: list(telling.tell(lot.placed))), telling.contradictions


def _name_spans(session_id: str, contradictions: Sequence[MessageDraft]) -> list[str]:
    """Why these spans are refused: a text for each, however many of its remarks are at fault."""
    of_spans = {(draft.metadata["trace_id"], draft.metadata["span_id"]): draft for draft in contradictions}
    return [
        f"Span {str(draft.metadata.get('span', ''))[:80]!r} says something else than what is stored under its message id "
        f"{draft.message_id!r} in session {session_id!r}, which stays. Give every span an id of its own; only the same span "
        "may be sent again."
        for draft in of_spans.values()
    ]


def _with_ids(spans: Sequence[Span], taken: Taken) -> Iterator[Span]:
    for span in spans:
        if _TRACE_ID.fullmatch(span.trace_id) and _SPAN_ID.fullmatch(span.span_id):
            yield span
        else:
            taken.refused.append(f"Span {span.name[:80]!r} has no ids: its trace's has 16 bytes, its own 8, not all zero.")
