"""The reserved throughput, on every kind of account."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chatlog import CosmosDBManager, StorageUnavailable
from chatlog.domain.ledger import RequestFigures
from chatlog.domain.throughput import Memory, Offer, OfferKind
from chatlog.domain.tuning import TuningNote
from chatlog.errors import StorageDenied
from chatlog.services.tuning import ANOTHER, tune_throughput
from chatlog.storage.charging import TunableStore
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.gateway import database_properties
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, npm_endpoint, settings_for
from tests.factories import make_draft, make_session

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MANUAL, AUTOSCALE = OfferKind.MANUAL, OfferKind.AUTOSCALE


def reserve(double: Double, store: CosmosSessionStore, *, shared: bool = False, **values: int) -> dict[str, Any]:
    name = store.settings.database_name
    own = double.gateway.databases[name][store.settings.container_name].properties
    return double.gateway.offers.add(database_properties(name) if shared else own, **values)


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize(
    ("reserved", "offer", "wanted"),
    [({"manual": 400}, Offer(MANUAL, 400), 700), ({"autoscale": 4000}, Offer(AUTOSCALE, 4000), 1000)],
    ids=["manual", "autoscale"],
)
async def test_each_kind_is_read_and_set(
    double: Double, store: CosmosSessionStore, reserved: dict[str, int], offer: Offer, wanted: int, *, shared: bool
) -> None:
    reserve(double, store, shared=shared, **reserved)
    offer = replace(offer, is_shared=shared)
    assert await store.find_offer() == offer
    assert await store.replace_offer(offer, throughput=wanted) is None
    assert await store.find_offer() == replace(offer, throughput=wanted)
    assert isinstance(store, TunableStore)


async def test_an_offer_of_its_own_comes_before_the_database_s(double: Double, store: CosmosSessionStore) -> None:
    reserve(double, store, shared=True, autoscale=5000)
    reserve(double, store, manual=600)
    assert await store.find_offer() == Offer(MANUAL, 600)


async def test_no_offer_and_serverless_are_told_apart(double: Double, store: CosmosSessionStore) -> None:
    assert await store.find_offer() == Offer(OfferKind.NONE)
    double.gateway.offers.is_serverless = True
    assert await store.find_offer() == Offer(OfferKind.SERVERLESS)


async def test_a_server_that_knows_no_offers_has_none() -> None:
    async with CosmosSessionStore(settings_for(npm_endpoint()), tuning=QUICK) as store:
        assert await store.find_offer() == Offer(OfferKind.NONE)
        assert "Neither" in (await tune_throughput(store, maximum=1000, now=NOW)).text


@pytest.mark.parametrize(("may", "deed"), [("nothing", "read"), ("read", "change")])
async def test_without_permission_it_says_who_may(double: Double, store: CosmosSessionStore, may: str, deed: str) -> None:
    reserve(double, store, manual=400)
    double.gateway.offers.may = may
    with pytest.raises(StorageDenied, match=rf"{deed} the throughput \(403\)") as raised:
        await store.find_offer()
        await store.replace_offer(Offer(MANUAL, 400), throughput=500)
    assert "COSMOSDB_KEY" in str(raised.value)


async def test_a_value_the_service_does_not_take_is_refused_with_the_least_it_takes(
    double: Double, store: CosmosSessionStore
) -> None:
    reserve(double, store, manual=4000)
    double.gateway.offers.lowest = 1200
    refusal = await store.replace_offer(Offer(MANUAL, 4000), throughput=400)
    assert refusal is not None
    assert refusal.lowest == 1200
    assert "does not take 400 RU/s here, only from 1,200 to 1,000,000" in refusal.reason


async def test_a_service_that_is_busy_or_asks_to_wait_is_left_alone(double: Double, store: CosmosSessionStore) -> None:
    reserve(double, store, manual=4000)
    double.inject("put offers", "throttle", retry_after_ms=4 * 3600 * 1000)
    for _ in range(2):
        refusal = await store.replace_offer(Offer(MANUAL, 4000), throughput=400)
        assert refusal is not None
        assert refusal.lowest == 0
        double.gateway.offers.is_changing = True


@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "answer"])
async def test_a_lost_reply_is_asked_for_again(double: Double, store: CosmosSessionStore, kind: str) -> None:
    reserve(double, store, manual=400)
    double.inject("post offers", kind)
    double.inject("put offers", kind)
    assert await store.replace_offer(Offer(MANUAL, 400), throughput=500) is None
    assert await store.find_offer() == Offer(MANUAL, 500)


async def test_saving_goes_on_while_changing_hangs(double: Double, store: CosmosSessionStore) -> None:
    reserve(double, store, manual=400)
    session = await store.create_session(make_session())
    fault = double.inject("put offers", "hang", times=10**6)
    changing = asyncio.create_task(store.replace_offer(Offer(MANUAL, 400), throughput=500))
    await asyncio.to_thread(fault.began.wait, 10)
    assert (await store.append_messages(session.session_id, [make_draft()]))[0].sequence == 1
    assert not changing.done()
    changing.cancel()
    double.release()


async def test_a_service_that_is_away_is_a_real_failure(double: Double, store: CosmosSessionStore) -> None:
    double.inject("post offers", "refuse", times=10**6)
    with pytest.raises(StorageUnavailable):
        await tune_throughput(store, maximum=1000, now=NOW)


async def test_a_note_comes_back_as_it_was_left(store: CosmosSessionStore) -> None:
    memory = Memory(NOW, 900, NOW - timedelta(hours=1), 12.5, timedelta(hours=2), NOW, 400)
    note = TuningNote(NOW, {date(2026, 11, 24): RequestFigures(5, 7.25, 1)}, memory)
    assert (await store.find_tuning_note()).note is None
    version = await store.keep_tuning_note(note, version=None)
    kept = await store.find_tuning_note()
    assert (kept.note, kept.version) == (note, version)
    second = TuningNote(NOW, {})
    assert await store.keep_tuning_note(second, version=None) is None
    assert await store.keep_tuning_note(second, version=version) is not None
    assert await store.keep_tuning_note(note, version=version) is None
    assert (await store.find_tuning_note()).note == second


async def test_of_two_that_tune_at_once_one_steps_back(double: Double) -> None:
    settings = settings_for(double.endpoint)
    async with CosmosSessionStore(settings, tuning=QUICK) as one, CosmosSessionStore(settings, tuning=QUICK) as two:
        reserve(double, one, manual=400)
        texts = [step.text for step in await asyncio.gather(*(tune_throughput(s, maximum=900, now=NOW) for s in (one, two)))]
    assert len([text for text in texts if "first look" in text]) == 1
    assert len(set(texts) & {ANOTHER, "Nothing was done: the last look was less than five minutes ago."}) == 1


async def test_refused_saves_raise_it_step_by_step_whoever_made_them(double: Double) -> None:
    settings, tuning = settings_for(double.endpoint), replace(QUICK, ledger_seconds=600.0)
    async with CosmosSessionStore(settings, tuning=tuning) as store:
        reserve(double, store, manual=400)
        assert "first look" in (await tune_throughput(store, maximum=700, now=_at(0))).text
    async with CosmosSessionStore(settings, tuning=tuning) as agent:  # another process, which ends before the next look
        double.inject("create", "throttle", times=4)
        session = await agent.create_session(make_session())
        double.inject("create", "throttle", times=4)
        await agent.append_messages(session.session_id, [make_draft()])
    async with CosmosSessionStore(settings, tuning=tuning) as store:
        trial = await tune_throughput(store, maximum=700, now=_at(10), dry_run=True)
        assert "Raised from 400 RU/s to 700 RU/s" in trial.text
        assert await store.find_offer() == Offer(MANUAL, 400)
        step = await tune_throughput(store, maximum=700, now=_at(10))
        assert (step.throughput, await store.find_offer()) == (700, Offer(MANUAL, 700))
        assert "Left at 700 RU/s: it was changed 5 min ago" in (await tune_throughput(store, maximum=700, now=_at(15))).text
        session_ids = [each.session_id for each in (await store.list_sessions()).items]
    assert session_ids == [session.session_id]


async def test_the_seed_s_vocabulary_says_what_it_did(double: Double, store: CosmosSessionStore) -> None:
    manager = CosmosDBManager(store=store)
    assert "Neither" in await manager.optimize_throughput()
    reserve(double, store, manual=400)
    assert "Left at 400 RU/s: this is the first look" in await manager.optimize_throughput()
    assert "less than five minutes ago" in await manager.optimize_throughput()
    double.gateway.offers.may = "nothing"
    assert "(403)" in await manager.optimize_throughput()


def _at(minutes: int) -> datetime:
    """The ledger goes by the real clock."""
    return datetime.now(UTC) + timedelta(minutes=minutes - 15)
