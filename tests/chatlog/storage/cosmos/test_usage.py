"""Counting days on Cosmos DB: the same as by hand, from slim rows of the time that is asked for and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chatlog import SessionStatus
from chatlog.domain.usage import AgentDay, UsageDay
from chatlog.errors import InvalidInput, InvalidNumber, InvalidTimestamp
from chatlog.storage.cosmos import usage_counting
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, open_npm_store, settings_for
from tests.cosmos.usage_by_hand import count_by_hand
from tests.factories import make_draft, make_session

DAY = date(2024, 11, 20)
MIDNIGHT = datetime(2024, 11, 20, tzinfo=UTC)
ALMOST = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def container(double: Double, store: CosmosSessionStore) -> Container:
    return double.gateway.databases[store.settings.database_name][store.settings.container_name]


async def list_days(store: CosmosSessionStore, days: int = 1, since: date = DAY) -> list[UsageDay]:
    return await store.list_usage(since=since, until=since + timedelta(days=days))


async def talk(store: CosmosSessionStore, *moments: datetime, **overrides: Any) -> str:
    """A session in which something is said at these moments, by one agent."""
    session = await store.create_session(make_session(created_at=moments[0]))
    for moment in moments:
        await store.append_messages(session.session_id, [make_draft(**{"source": "ann", "timestamp": moment} | overrides)])
    await store.recount_session(session.session_id)
    return session.session_id


async def test_a_day_goes_from_midnight_to_just_before_midnight(store: CosmosSessionStore) -> None:
    await talk(store, MIDNIGHT - ALMOST, MIDNIGHT, MIDNIGHT + 24 * HOUR - ALMOST, MIDNIGHT + 24 * HOUR)
    (figures,) = await list_days(store)
    assert figures.outcomes == ()
    assert figures.agents["ann"].quarters == (0, 95)
    days = await list_days(store, 3, DAY - timedelta(days=1))
    assert [sum(day.agents["ann"].messages) for day in days] == [1, 2, 1]
    assert days == await count_by_hand(store, DAY - timedelta(days=1), DAY + timedelta(days=2))


async def test_a_length_is_in_characters_as_python_counts_them(store: CosmosSessionStore, container: Container) -> None:
    content = "空間😀👨‍👩‍👧"
    session_id = await talk(store, MIDNIGHT, MIDNIGHT, content=content, models_usage={"prompt_tokens": 7})
    del container.read(session_id, f"{session_id}_msg_0001")["letters"]  # as a writer of the seed design would store it
    (figures,) = await list_days(store)
    assert figures.agents["ann"] == AgentDay(((0, 1),), (0,), (2,), (14,), (0,), (len(content), len(content)))


async def test_what_is_deleted_and_what_has_no_session_is_not_counted(store: CosmosSessionStore, container: Container) -> None:
    deleted = await talk(store, MIDNIGHT - 48 * HOUR, MIDNIGHT)
    stray = await talk(store, MIDNIGHT - 48 * HOUR, MIDNIGHT + HOUR)
    await talk(store, MIDNIGHT - 48 * HOUR, MIDNIGHT + 2 * HOUR)
    await store.delete_session(deleted)
    container.delete(stray, stray)
    (figures,) = await list_days(store)
    assert figures.agents["ann"].quarters == (8,)


async def test_days_with_too_much_for_one_time_are_counted_in_parts(
    store: CosmosSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(0, 70, 3):
        await talk(store, *[MIDNIGHT + number * 24 * HOUR] * (1 + number % 4))
    monkeypatch.setattr(usage_counting, "MOST_ROWS", 4)
    days = await list_days(store, 70)
    assert len(days) == 24
    assert days == await count_by_hand(store, DAY, DAY + timedelta(days=70))


async def test_a_stretch_that_makes_no_sense_is_refused(store: CosmosSessionStore) -> None:
    for days in (0, -1, 100_000):
        with pytest.raises(InvalidInput, match="until"):
            await list_days(store, days)
    with pytest.raises(InvalidTimestamp, match="since"):
        await store.list_busiest(since=datetime(2024, 1, 1), until=MIDNIGHT)  # noqa: DTZ001  # that is the point
    with pytest.raises(InvalidNumber, match="limit"):
        await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT, limit=0)


async def test_the_first_and_the_last_days_there_are_can_be_asked_for(store: CosmosSessionStore) -> None:
    assert await store.list_usage(since=date.min, until=date.min + timedelta(days=1)) == []
    assert await store.list_usage(since=date.max - timedelta(days=1), until=date.max) == []
    extremes = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    session_id = await talk(store, MIDNIGHT)
    assert [s.session_id for s in await store.list_busiest(since=extremes[0], until=extremes[1])] == [session_id]


async def test_a_damaged_document_is_left_out_and_named(
    store: CosmosSessionStore, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    sound = await talk(store, MIDNIGHT)
    damaged = await talk(store, *(MIDNIGHT + HOUR * number for number in range(5)))
    for number, change in enumerate(({"timestamp": "2024-11-20Tlate"}, {"letters": None}, {"source": 5}, {"letters": -1}), 1):
        container.read(damaged, f"{damaged}_msg_{number:04d}").update(change)
    container.read(damaged, f"{damaged}_msg_0005")["models_usage"] = ["no", "object"]
    container.read(damaged, damaged)["status"] = "confused"
    (figures,) = await list_days(store)
    assert figures.agents["ann"].messages == (1, 1)
    assert figures.outcomes == ((0, SessionStatus.ACTIVE, 1),)
    assert "5 items are left out" in caplog.text
    assert damaged in caplog.text
    assert [s.session_id for s in await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT + HOUR)] == [sound]


class TestSeedDocuments:
    """Local times without an offset, no added fields."""

    @pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
    async def store(self, double: Double, request: pytest.FixtureRequest) -> AsyncIterator[CosmosSessionStore]:
        settings = settings_for(double.endpoint, naive_zone=ZoneInfo(request.param))
        async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as opened:
            yield opened

    async def test_are_counted_on_the_utc_day_of_their_local_time(
        self, store: CosmosSessionStore, container: Container
    ) -> None:
        zone = store.settings.naive_zone
        for hours in range(-30, 54, 3):
            local = (MIDNIGHT + HOUR * hours + ALMOST * (hours % 2)).astimezone(zone).replace(tzinfo=None).isoformat()
            put_seed_session(container, f"seed{hours}", local)
        until = DAY + timedelta(days=3)
        days = await store.list_usage(since=DAY - timedelta(days=2), until=until)
        assert days == await count_by_hand(store, DAY - timedelta(days=2), until)
        (figures,) = await list_days(store)
        assert figures.agents["creative_planner"].messages == (1,) * 8
        assert figures.agents["creative_planner"].lengths == (4,) * 8
        busiest = await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT + 24 * HOUR)
        assert [session.session_id for session in busiest] == [f"seed{hours}" for hours in range(21, -1, -3)]

    async def test_are_counted_through_a_change_of_the_clocks(self, double: Double) -> None:
        zone = ZoneInfo("America/New_York")  # back from 2:00 to 1:00 on 3 November 2024, at 6:00 UTC
        settings = settings_for(double.endpoint, naive_zone=zone)
        async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as store:
            container = double.gateway.databases[settings.database_name][settings.container_name]
            for minute in range(0, 3 * 60, 20):
                put_seed_session(container, f"seed{minute}", f"2024-11-03T{minute // 60:02d}:{minute % 60:02d}:00")
            days = await list_days(store, 2, date(2024, 11, 2))
            assert days == await count_by_hand(store, date(2024, 11, 2), date(2024, 11, 4))
            assert sum(days[0].agents["creative_planner"].messages) == 9


def put_seed_session(container: Container, session_id: str, local: str) -> None:
    common = {"session_id": session_id, "message_id": session_id}
    container.create(session_id, {**common, "id": session_id, "type": "session_info", "task": "t", "created_at": local})
    message = {"id": f"{session_id}_msg_0001_17", "type": "message", "source": "creative_planner", "content": "提案です"}
    container.create(session_id, {**common, **message, "timestamp": local, "sequence": 1})


async def test_the_busiest_have_the_most_messages_and_of_equals_the_newest_comes_first(store: CosmosSessionStore) -> None:
    made = {}
    for name, hours, count in (("a", 0, 2), ("b", 1, 3), ("c", 2, 2), ("d", 24, 9), ("e", -1, 9), ("f", 3, 4)):
        made[name] = await talk(store, *[MIDNIGHT + HOUR * hours] * count)
    await store.delete_session(made["f"])
    busiest = await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT + 24 * HOUR)
    assert [session.session_id for session in busiest] == [made["b"], made["c"], made["a"]]
    assert busiest == await store.get_sessions([session.session_id for session in busiest])
    assert [s.session_id for s in await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT + 2 * HOUR, limit=1)] == [made["b"]]
    assert await store.list_busiest(since=MIDNIGHT + 24 * HOUR + ALMOST, until=MIDNIGHT + 48 * HOUR) == []


async def test_the_busiest_take_one_query_and_a_read_for_each_shown(double: Double, store: CosmosSessionStore) -> None:
    for number in range(7):
        await talk(store, *[MIDNIGHT] * (number + 1))
    double.journal.requests.clear()
    assert len(await store.list_busiest(since=MIDNIGHT, until=MIDNIGHT + HOUR, limit=5)) == 5
    assert double.journal.requests == {"query": 1, "read": 5}


async def test_an_independent_server_gives_the_same_figures() -> None:
    async with open_npm_store(tuning=QUICK) as store:
        session_id = await talk(store, MIDNIGHT - 48 * HOUR, MIDNIGHT, MIDNIGHT + HOUR, content="空間😀")
        await talk(store, MIDNIGHT + 2 * HOUR, models_usage={"completion_tokens": 3})
        await store.delete_session(await talk(store, MIDNIGHT))
        assert await list_days(store, 2) == await count_by_hand(store, DAY, DAY + timedelta(days=2))
        busiest = await store.list_busiest(since=MIDNIGHT - 72 * HOUR, until=MIDNIGHT + 72 * HOUR)
        assert busiest[0].session_id == session_id
