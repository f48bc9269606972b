"""The ledger: what was charged is kept, counted once, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chatlog import InvalidInput
from chatlog.domain.clock import utc_now
from chatlog.domain.filters import SearchQuery
from chatlog.domain.ledger import RequestFigures, add_up
from chatlog.domain.search import parse_terms
from chatlog.storage.charging import ChargingStore
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.ledger_documents import ledger_partition
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, npm_endpoint, settings_for
from tests.factories import make_draft, make_drafts, make_session

# Nothing is written by itself while a test looks, only when the store is closed.
AT_THE_END = replace(QUICK, ledger_seconds=600.0)
ALWAYS = replace(QUICK, ledger_seconds=0.01, ledger_units=0.0)


def store_on(double: Double, name: str = "kept", **values: Any) -> CosmosSessionStore:
    return CosmosSessionStore(settings_for(double.endpoint, container_name=name), tuning=replace(AT_THE_END, **values))


def container_of(double: Double, name: str = "kept") -> Container:
    return double.gateway.databases["tests"][name]


async def figures_of(store: CosmosSessionStore) -> dict[str, RequestFigures]:
    """Of today, and of yesterday, should midnight have passed meanwhile."""
    today = utc_now().date()
    days = await store.list_ledger(since=today - timedelta(days=1), until=today + timedelta(days=1))
    return add_up(*(day.operations for day in days))


async def test_what_was_charged_survives_the_process_and_sums_up_over_several(double: Double) -> None:
    for _ in range(3):
        async with store_on(double) as store:
            session = await store.create_session(make_session())
            await store.append_messages(session.session_id, make_drafts(3))
    async with store_on(double) as store:
        operations = await figures_of(store)
    assert (operations["create"].count, operations["create"].units) == (3, 18.0)
    assert operations["batch"].count == 3
    assert operations["patch"].count == 3  # the sessions' figures; not the ledger's own
    assert operations["ledger"].count > 0
    assert operations["create"].seconds > 0


async def test_all_units_of_the_service_are_in_the_ledger(double: Double) -> None:
    async with store_on(double) as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, make_drafts(30))
        await store.list_messages(session.session_id)
        await store.search(SearchQuery(terms=parse_terms("remark")))
        counted = sum(figures.units for figures in (await figures_of(store)).values())
        charged = double.journal.units
        free = sum(count for name, count in double.journal.requests.items() if name == "account" or " " in name)
    # The double has a charge of 1 for requests about the account and its parts, which are free.
    assert counted == pytest.approx(charged - free)


async def test_refused_requests_are_counted_as_such(double: Double) -> None:
    async with store_on(double) as store:
        session = await store.create_session(make_session())
        double.inject("read", "throttle", times=3)
        await store.get_session(session.session_id)
        assert (await figures_of(store))["read"].throttled == 3


async def test_two_at_once_lose_nothing(double: Double) -> None:
    stores = [store_on(double) for _ in range(6)]
    await asyncio.gather(*(store.create_session(make_session()) for store in stores))
    await asyncio.gather(*(store.aclose() for store in stores))
    async with store_on(double) as store:
        assert (await figures_of(store))["create"].count == 6


@pytest.mark.parametrize("operation", ["create", "patch"])
@pytest.mark.parametrize("kind", ["drop_reply", "answer_after_commit", "refuse"])
async def test_an_entry_whose_reply_was_lost_counts_once(double: Double, kind: str, operation: str) -> None:
    if operation == "patch":  # there is a document for today already
        async with store_on(double) as store:
            await store.create_session(make_session())
    store = store_on(double)
    await store.create_session(make_session())
    before = double.journal.requests[operation]
    double.inject(operation, kind)
    await store.aclose()
    assert double.journal.requests[operation] > before
    async with store_on(double) as store:
        assert (await figures_of(store))["create"].count == (1 if operation == "create" else 2)


async def test_while_an_entry_may_or_may_not_have_arrived_it_counts_once(double: Double) -> None:
    async with store_on(double, attempts=1) as store:
        await store.create_session(make_session())
        async with store._connections.use() as connection:
            double.inject("create", "drop_reply")
            await connection.ledger.write()
            assert (await figures_of(store))["create"].count == 1
            double.inject("read", "refuse")
            await connection.ledger.write()
            assert (await figures_of(store))["create"].count == 1
            await connection.ledger.write()
        assert (await figures_of(store))["create"].count == 1


async def test_it_is_written_in_the_background_and_an_idle_store_writes_nothing(double: Double) -> None:
    settings = settings_for(double.endpoint, container_name="kept")
    async with CosmosSessionStore(settings, tuning=ALWAYS) as store:
        session = await store.create_session(make_session())
        async with asyncio.timeout(10):
            while "create" not in _stored(double):
                await store.get_session(session.session_id)  # each look is a request, and so leaves the others their time
        async with store._connections.use() as connection:
            await connection.ledger.write()  # what was looked at last
            double.journal.requests.clear()
            for _ in range(3):
                await connection.ledger.write()
        assert double.journal.requests == {}


def _stored(double: Double) -> dict[str, Any]:
    items = container_of(double).partitions.get(ledger_partition(utc_now().date()), {})
    return next((item["operations"] for item in items.values()), {})


async def test_little_things_wait_for_company(double: Double) -> None:
    async with store_on(double, ledger_seconds=0.01, ledger_units=1e9, ledger_patience=10**9) as store:
        await store.create_session(make_session())
        await asyncio.sleep(0.1)
        assert _stored(double) == {}
    assert _stored(double)["create"]["count"] == 1


async def test_a_ledger_that_cannot_be_written_fails_nothing_and_says_so_once(
    double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_on(double, attempts=1)
    session = await store.create_session(make_session())
    double.inject("read", "answer", times=10**6, status=403)
    async with store._connections.use() as connection:
        for _ in range(3):
            await connection.ledger.write()
    await store.append_messages(session.session_id, [make_draft()])
    await store.aclose()
    lines = [record.getMessage() for record in caplog.records if "written down later" in record.getMessage()]
    assert len(lines) == 1
    assert "403" in lines[0]


async def test_a_service_that_hangs_does_not_hold_up_the_end(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    store = store_on(double, closing_seconds=0.05, attempt_seconds=60.0, total_seconds=60.0)
    await store.create_session(make_session())
    double.inject("read", "hang", times=10**6)
    async with asyncio.timeout(10):
        await store.aclose()
    assert "not in the ledger" in caplog.text
    double.release()


async def test_nobody_sees_it_among_the_sessions(double: Double) -> None:
    async with store_on(double) as store:
        session = await store.create_session(make_session())
    async with store_on(double) as store:
        assert (await figures_of(store))["create"].count == 1
        assert [each.session_id for each in (await store.list_sessions()).items] == [session.session_id]
        assert (await store.search(SearchQuery(terms=parse_terms("ledger create")))).hits == ()
        assert await store.purge_deleted(before=utc_now()) == 0
        with pytest.raises(InvalidInput):
            await store.get_session(ledger_partition(utc_now().date()))


async def test_it_is_kept_for_thirteen_months_where_items_expire(double: Double) -> None:
    async with store_on(double) as store:
        await store.create_session(make_session())
    container = container_of(double)
    container.seconds_ahead = 399 * 24 * 3600
    async with store_on(double) as store:
        assert "create" in await figures_of(store)
    container.seconds_ahead = 401 * 24 * 3600
    async with store_on(double) as store:
        assert "create" not in await figures_of(store)


async def test_an_answer_with_a_charge_that_makes_no_sense_spoils_nothing(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store_on(double) as store:
        session = await store.create_session(make_session())
        for charge in (float("nan"), float("inf"), -5.0):
            monkeypatch.setattr("tests.cosmos.double.gateway._charge", lambda *_, charge=charge: charge)
            await store.get_session(session.session_id)
        monkeypatch.undo()
        read = (await figures_of(store))["read"]
    assert (read.count, read.units) == (4, 1.0)  # opening the store is a read, too


@pytest.mark.parametrize("days", [0, -1, 401])
async def test_a_stretch_that_cannot_be_is_refused(store: CosmosSessionStore, days: int) -> None:
    since = date(2026, 11, 24)
    with pytest.raises(InvalidInput, match="until"):
        await store.list_ledger(since=since, until=since + timedelta(days=days))


async def test_months_are_read_from_their_partitions(double: Double) -> None:
    async with store_on(double) as store:
        for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28)):
            body = {"operations": {"read": {"count": 1, "units": 1.0, "throttled": 0, "seconds": 0.0}}, "marks": []}
            key = {"id": f"ledger_{day}", "session_id": ledger_partition(day), "message_id": f"ledger_{day}", "type": "ledger"}
            container_of(double).create(ledger_partition(day), {**key, "day": day.isoformat(), **body})
        double.journal.requests.clear()
        found = await store.list_ledger(since=date(2025, 12, 31), until=date(2026, 2, 28))
    assert [day.day for day in found] == [date(2025, 12, 31), date(2026, 1, 1)]
    assert double.journal.requests["query"] == 3
    assert isinstance(store, ChargingStore)


async def test_an_independent_server_keeps_it_too() -> None:
    settings = settings_for(npm_endpoint())
    for _ in range(2):
        async with CosmosSessionStore(settings, tuning=AT_THE_END) as store:
            await store.create_session(make_session())
    async with CosmosSessionStore(settings, tuning=AT_THE_END) as store:
        assert (await figures_of(store))["create"].count == 2


async def test_saving_into_a_session_is_summed_up_when_it_is_over(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="chatlog.charges")
    async with store_on(double) as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, [make_draft()])
        await store.append_messages(session.session_id, make_drafts(3))
    lines = [record.getMessage() for record in caplog.records if record.name == "chatlog.charges"]
    assert f"Saving into session {session.session_id}: 28.00 RU (1 batch, 1 create, 1 patch)" in lines


async def test_an_operation_over_the_limit_is_named(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(double.endpoint, container_name="kept", warn_above=11.0)
    async with CosmosSessionStore(settings, tuning=QUICK) as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, make_drafts(30))
        await store.list_messages(session.session_id, limit=10)
        assert _warnings(caplog) == ["One batch cost 12.00 RU, more than the 11 of CHATLOG_WARN_ABOVE_RU."]
        await store.list_messages(session.session_id, limit=30)
    *_, query = _warnings(caplog)
    assert query.startswith('The query "SELECT * FROM c WHERE')
    assert "cost 17.50 RU" in query
    assert session.session_id not in query


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = (record for record in caplog.records if record.name == "chatlog.charges")
    return [record.getMessage() for record in records if record.levelno == logging.WARNING]
