"""A step of tuning: one change at most, nothing forgotten, nothing hidden."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatlog import open_store
from chatlog.domain.ledger import LedgerDay, RequestFigures
from chatlog.domain.throughput import Memory, Offer, OfferKind
from chatlog.domain.tuning import TuningNote, load_since
from chatlog.errors import StorageDenied
from chatlog.services.tuning import ANOTHER, NOTHING_TO_TUNE, TOO_SOON, TuningStep, tune_throughput
from chatlog.storage.charging import KeptNote, OfferRefusal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = NOW.date()


class Tunable:
    """An account, as far as tuning sees it."""

    def __init__(self, throughput: int = 400, kind: OfferKind = OfferKind.MANUAL) -> None:
        self.offer = Offer(kind, throughput)
        self.kept = KeptNote()
        self.total = RequestFigures()
        self.refusal: OfferRefusal | None = None
        self.denied = False
        self.is_raced = False

    async def find_offer(self) -> Offer:
        return self.offer

    async def replace_offer(self, offer: Offer, *, throughput: int) -> OfferRefusal | None:
        if self.denied:
            raise StorageDenied("Not for you.")
        if self.refusal is None:
            self.offer = Offer(offer.kind, throughput)
        return self.refusal

    async def find_tuning_note(self) -> KeptNote:
        return self.kept

    async def keep_tuning_note(self, note: TuningNote, *, version: str | None) -> str | None:
        if self.is_raced or version != self.kept.version:
            return None
        self.kept = KeptNote(note, f"{version}+")
        return self.kept.version

    async def list_ledger(self, *, since: date, until: date) -> list[LedgerDay]:
        assert (since, until) == (TODAY - timedelta(days=1), TODAY + timedelta(days=1))
        return [LedgerDay(TODAY, {"create": self.total})]

    async def list_sessions(self, **_: Any) -> Any:
        return SimpleNamespace(items=())

    async def step(self, minutes: int, **values: Any) -> TuningStep:
        return await tune_throughput(self, maximum=4000, now=NOW + timedelta(minutes=minutes), **values)

    def throttle(self) -> None:
        self.total += RequestFigures(count=100, units=1000.0, throttled=5)

    @property
    def memory(self) -> Memory:
        assert self.kept.note is not None
        return self.kept.note.memory


async def test_a_file_has_nothing_to_tune(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/c.sqlite3") as store:
        assert await tune_throughput(store, maximum=400, now=NOW) == TuningStep(NOTHING_TO_TUNE)


@pytest.mark.parametrize("kind", [OfferKind.SERVERLESS, OfferKind.NONE])
async def test_nor_has_an_account_without_an_offer(kind: OfferKind) -> None:
    store = Tunable(0, kind)
    for minutes in (0, 10):
        store.throttle()
        assert (await store.step(minutes)).throughput is None
    assert store.kept == KeptNote()  # nothing to remember either


async def test_what_was_refused_since_the_last_look_counts_and_what_came_before_does_not() -> None:
    store = Tunable()
    store.throttle()
    await store.step(0)
    assert (await store.step(10)).throughput is None
    store.throttle()
    assert (await store.step(20)).throughput == 600
    assert store.memory.changed_at == NOW + timedelta(minutes=20)
    assert (await store.step(30)).throughput is None


async def test_looking_again_at_once_loses_nothing() -> None:
    store = Tunable()
    await store.step(0)
    store.throttle()
    assert (await store.step(4)).text == TOO_SOON
    assert (await store.step(5)).throughput == 600


async def test_after_a_long_time_it_begins_anew() -> None:
    store = Tunable()
    await store.step(0)
    store.throttle()
    assert "first look" in (await store.step(61)).text


async def test_a_clock_that_was_far_ahead_does_not_stop_it_for_long() -> None:
    store = Tunable()
    store.kept = KeptNote(TuningNote(NOW + timedelta(days=9), {}, Memory(changed_at=NOW + timedelta(days=9))), "a")
    assert "first look" in (await store.step(0)).text
    store.throttle()
    assert (await store.step(10)).throughput == 600


async def test_a_trial_changes_neither_the_throughput_nor_the_note() -> None:
    store = Tunable()
    await store.step(0)
    store.throttle()
    before = store.kept
    step = await store.step(10, dry_run=True)
    assert step.throughput is None
    assert "Only looked. What would be done: Raised from 400 RU/s to 600 RU/s" in step.text
    assert (store.kept, store.offer.throughput) == (before, 400)


async def test_whoever_comes_second_changes_nothing() -> None:
    store = Tunable()
    await store.step(0)
    store.throttle()
    store.is_raced = True
    assert (await store.step(10), store.offer.throughput) == (TuningStep(ANOTHER), 400)


async def test_the_least_the_service_takes_is_remembered() -> None:
    store = Tunable(4000)
    await store.step(0)
    store.refusal = OfferRefusal("Only from 1,000 up.", lowest=1000)
    texts = [(await store.step(10 * n)).text for n in range(1, 8)]
    assert "Left at 4,000 RU/s: Only from 1,000 up." in texts
    assert (store.memory.floor, store.memory.changed_at) == (1000, None)
    store.refusal = None
    assert (await store.step(80)).throughput == 1000


async def test_without_permission_it_says_so_each_time_and_remembers_no_change() -> None:
    store = Tunable()
    await store.step(0)
    store.denied = True
    for minutes in (10, 20):
        store.throttle()
        assert await store.step(minutes) == TuningStep("Not for you.", is_denied=True)
        assert store.memory.changed_at is None


def test_figures_are_compared_day_by_day_over_midnight_and_a_ledger_thrown_away_is_not_less_than_nothing() -> None:
    yesterday = TODAY - timedelta(days=1)
    note = TuningNote(NOW, {yesterday: RequestFigures(10, 100.0, 1), TODAY - timedelta(days=2): RequestFigures(99, 99.0, 9)})
    totals = {yesterday: RequestFigures(15, 150.0, 2), TODAY: RequestFigures(5, 10.0, 1)}
    load = load_since(note, totals, NOW + timedelta(minutes=10))
    assert load is not None
    assert (load.seconds, load.requests, load.refused, load.units) == (600.0, 10, 2, 60.0)
    gone = load_since(note, {yesterday: RequestFigures()}, NOW + timedelta(minutes=10))
    assert gone is not None
    assert (gone.requests, gone.refused, gone.units) == (0, 0, 0.0)
