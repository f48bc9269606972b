"""One step of tuning the throughput: look, decide, set, and leave a note. Nothing here is in the way of a save."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState
from chatlog.domain.throughput import Decision, Memory, Offer, decide
from chatlog.domain.tuning import TuningNote, is_too_soon, load_since, totals_of
from chatlog.errors import StorageDenied
from chatlog.storage.base import SessionStore
from chatlog.storage.charging import TunableStore

NOTHING_TO_TUNE = "There is nothing to tune: this store has no throughput to reserve, and charges nothing."
TOO_SOON = "Nothing was done: the last look was less than five minutes ago."
ANOTHER = "Nothing was done: another process is tuning at this moment."


@dataclass(frozen=True, slots=True)
class TuningStep:
    """What was done, and why, in a sentence.

    Attributes:
        throughput: what was set, in RU/s; `None` if nothing was.
        is_denied: this identity may not do it.
    """

    text: str
    throughput: int | None = None
    is_denied: bool = False


async def tune_throughput(store: SessionStore, *, maximum: int, now: datetime, dry_run: bool = False) -> TuningStep:
    """Look once, and change at most one thing. May be called at any time, by any number of processes.

    Args:
        maximum: RU/s that somebody is ready to pay for.
        dry_run: only say what would be done.
    Raises:
        StorageError: the store could not be asked.
    """
    if not isinstance(store, TunableStore):
        return TuningStep(NOTHING_TO_TUNE)
    try:
        return await _tune(store, store, maximum=maximum, now=now, dry_run=dry_run)
    except StorageDenied as error:
        return TuningStep(str(error), is_denied=True)


async def _tune(store: TunableStore, sessions: SessionStore, *, maximum: int, now: datetime, dry_run: bool) -> TuningStep:
    offer = await store.find_offer()
    if not offer.throughput:
        return TuningStep(decide(offer, None, running=0, memory=Memory(), maximum=maximum, now=now)[0].reason)
    kept = await store.find_tuning_note()
    if is_too_soon(kept.note, now):
        return TuningStep(TOO_SOON)
    today = now.astimezone(UTC).date()
    totals = totals_of(await store.list_ledger(since=today - timedelta(days=1), until=today + timedelta(days=1)))
    memory = Memory() if kept.note is None else kept.note.memory
    decision, after = decide(
        offer,
        load_since(kept.note, totals, now),
        running=await _count_running(sessions),
        memory=memory,
        maximum=maximum,
        now=now,
    )
    if dry_run:
        return TuningStep(f"Only looked. What would be done: {decision.reason}")
    # First of all the note: of two that tune at once, only one gets to change anything.
    version = await store.keep_tuning_note(TuningNote(now, totals, after), version=kept.version)
    if version is None:
        return TuningStep(ANOTHER)
    if decision.target is None:
        return TuningStep(decision.reason)
    return await _set(store, offer, decision, TuningNote(now, totals, memory), version)


async def _set(store: TunableStore, offer: Offer, decision: Decision, undone: TuningNote, version: str) -> TuningStep:
    assert decision.target is not None
    try:
        refusal = await store.replace_offer(offer, throughput=decision.target)
    except StorageDenied:
        await store.keep_tuning_note(undone, version=version)
        raise
    if refusal is None:
        return TuningStep(decision.reason, throughput=decision.target)
    floor = max(undone.memory.floor, refusal.lowest)
    await store.keep_tuning_note(replace(undone, memory=replace(undone.memory, floor=floor)), version=version)
    return TuningStep(f"Left at {offer}: {refusal.reason}")


async def _count_running(store: SessionStore) -> int:
    where = SessionFilter(states=frozenset({SessionState.RUNNING}))
    return len((await store.list_sessions(limit=50, where=where)).items)
