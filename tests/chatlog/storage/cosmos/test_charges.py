"""Request units: what the service charged for each call, whoever sent it, and whatever came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chatlog import Session, StorageUnavailable
from chatlog.domain.charges import measure_charges
from chatlog.domain.filters import SearchQuery
from chatlog.domain.search import parse_terms
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, open_npm_store, settings_for
from tests.factories import make_draft, make_drafts, make_session


async def test_every_call_counts_with_its_charge(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.journal.requests.clear()
    double.journal.units = 0
    with measure_charges("all") as charges:
        await store.append_messages(session.session_id, [make_draft()])
        await store.append_messages(session.session_id, make_drafts(3))
        await store.get_session(session.session_id)
        await store.update_session(session.session_id, title="x")
        await store.list_sessions()
        await store.search(SearchQuery(terms=parse_terms("remark")))
    # Where the partitions are is asked once; it is no data, and free.
    partitions = double.journal.requests.pop("get pkranges")
    assert {name.replace("_", " "): count for name, count in double.journal.requests.items()} == charges.calls
    assert charges.units == pytest.approx(double.journal.units - partitions)


async def test_pages_of_a_query_add_up(double: Double, store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(30))
    with measure_charges("one page") as one:
        await store.list_messages(session.session_id, limit=5)
    with measure_charges("all") as all_of_them:
        await store.list_messages(session.session_id, limit=1000)
    assert one.calls == all_of_them.calls == {"query": 1}
    assert one.units < all_of_them.units


async def test_failed_attempts_are_paid_for_too(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.inject("read", "throttle", times=100)
    with measure_charges("throttled") as charges, pytest.raises(StorageUnavailable):
        await store.get_session(session.session_id)
    assert charges.calls == {"read": 5}


async def test_figures_that_follow_later_are_charged_to_nobody(double: Double) -> None:
    tuning = replace(QUICK, figures_seconds=0.02)
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=tuning) as store:
        with measure_charges("a save") as charges:
            session = await store.create_session(make_session())
            await store.append_messages(session.session_id, [make_draft()])
        async with asyncio.timeout(10):
            while (await store.get_session(session.session_id)).message_count == 0:
                pass  # each look is a request, and so leaves the others their time
    assert double.journal.requests["patch"] == 1
    assert charges.calls == {"create": 2}


async def test_an_independent_server_is_counted_alike() -> None:
    async with open_npm_store() as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, make_drafts(3))
        with measure_charges("npm") as charges:
            await store.list_messages(session.session_id)
            await store.get_session(session.session_id)
        assert (charges.calls, charges.units) == ({"query": 1, "read": 1}, 2)
