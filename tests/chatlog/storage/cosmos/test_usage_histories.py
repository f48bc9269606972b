"""Whatever two processes do, in whatever order and however long apart: the figures are those that are counted by hand."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog import SessionNotFound, SessionStatus
from chatlog.domain.clock import utc_now
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double, double_server
from tests.cosmos.fixtures import KEY, QUICK, create_container, settings_for
from tests.cosmos.usage_by_hand import count_by_hand
from tests.factories import make_draft, make_session

MIDNIGHT = datetime(2024, 10, 26, tzinfo=UTC)  # clocks change in Europe the next day
DAYS = 4
PLACES = range(4)

borders = st.sampled_from([timedelta(days=day, microseconds=step) for day in range(DAYS + 1) for step in (-1, 0, 1)])
moments = (borders | st.timedeltas(timedelta(hours=-30), timedelta(days=DAYS, hours=30))).map(lambda time: MIDNIGHT + time)
texts = st.sampled_from(["a", "空間", "😀", "👨‍👩‍👧 family"])
speakers = st.sampled_from(["ann", "bob"])
usages = st.sampled_from([None, {"prompt_tokens": 5}, {"completion_tokens": 2**53 - 1}, {"prompt_tokens": "?"}])
remarks = st.fixed_dictionaries({"timestamp": moments, "source": speakers, "content": texts, "models_usage": usages})
places = st.sampled_from(PLACES)
steps = st.one_of(
    st.tuples(st.just("begin"), places, moments),
    st.tuples(st.just("say"), places, remarks),
    st.tuples(st.just("say"), places, remarks),
    st.tuples(st.just("talk_as_the_seed"), moments, st.timedeltas(timedelta(0), timedelta(days=2))),
    st.tuples(st.just("end"), places, st.sampled_from(SessionStatus)),
    st.tuples(st.just("recount"), places),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("restore"), places),
    st.tuples(st.just("purge")),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 170, 190, 4_000, 5 * 86_400, 8 * 86_400])),
    st.tuples(st.just("look"), st.integers(0, DAYS - 1), st.integers(1, DAYS)),
    st.tuples(st.just("look_all")),
)
histories = st.lists(st.tuples(st.booleans(), steps), min_size=4, max_size=25)


@dataclass
class History:
    """Two processes, and the sessions they share."""

    stores: tuple[CosmosSessionStore, CosmosSessionStore]
    container: Container
    ids: dict[int, str] = field(default_factory=dict)

    async def do(self, store: CosmosSessionStore, name: str, *values: object) -> None:
        if name not in {"begin", "talk_as_the_seed", "purge", "wait", "look", "look_all"}:
            if values[0] not in self.ids:
                return
            values = (self.ids[values[0]], *values[1:])
        with suppress(SessionNotFound):  # deleted, or gone for good
            await getattr(self, name)(store, *values)

    async def begin(self, store: CosmosSessionStore, place: int, moment: datetime) -> None:
        session = await store.create_session(make_session(created_at=moment, participants=["carl"]))
        self.ids[place] = session.session_id

    async def say(self, store: CosmosSessionStore, session_id: str, said: dict[str, Any]) -> None:
        await store.append_messages(session_id, [make_draft(**said)])

    async def talk_as_the_seed(self, store: CosmosSessionStore, moment: datetime, later: timedelta) -> None:
        session_id = f"session_{len(self.container.partitions)}"
        common = {"session_id": session_id, "message_id": session_id}
        local, told = (time.astimezone(store.settings.naive_zone).replace(tzinfo=None) for time in (moment, moment + later))
        self.container.create(
            session_id, common | {"id": session_id, "type": "session_info", "task": "t", "created_at": local.isoformat()}
        )
        remark = {"id": f"{session_id}_msg_0001_17", "type": "message", "source": "ann", "content": "提案😀", "sequence": 1}
        self.container.create(session_id, common | remark | {"message_id": "17", "timestamp": told.isoformat()})
        self.ids[len(self.ids)] = session_id

    async def end(self, store: CosmosSessionStore, session_id: str, status: SessionStatus) -> None:
        await store.update_session(session_id, status=status)

    async def recount(self, store: CosmosSessionStore, session_id: str) -> None:
        await store.recount_session(session_id)

    async def delete(self, store: CosmosSessionStore, session_id: str) -> None:
        await store.delete_session(session_id)

    async def restore(self, store: CosmosSessionStore, session_id: str) -> None:
        await store.restore_session(session_id)

    async def purge(self, store: CosmosSessionStore) -> None:
        await store.purge_deleted(before=utc_now())

    async def wait(self, store: CosmosSessionStore, seconds: int) -> None:
        del store
        for items in self.container.partitions.values():
            for item in items.values():
                item["_ts"] -= seconds

    async def look(self, store: CosmosSessionStore, first: int, days: int) -> None:
        since = MIDNIGHT.date() + timedelta(days=first)
        await self.compare(store, since, since + timedelta(days=days))

    async def look_all(self, store: CosmosSessionStore) -> None:
        await self.compare(store, MIDNIGHT.date(), MIDNIGHT.date() + timedelta(days=DAYS))

    async def compare(self, store: CosmosSessionStore, since: date, until: date) -> None:
        assert await store.list_usage(since=since, until=until) == await count_by_hand(store, since, until)


async def live(double: Double, history: list[tuple[bool, tuple]], **properties: object) -> None:
    chosen = settings_for(double.endpoint, naive_zone=ZoneInfo("Europe/Berlin"))
    async with (
        create_container(chosen, **properties),
        CosmosSessionStore(chosen, tuning=QUICK) as one,
        CosmosSessionStore(chosen, tuning=QUICK) as two,
    ):
        lived = History((one, two), double.gateway.databases[chosen.database_name].pop(chosen.container_name))
        double.gateway.databases[chosen.database_name][chosen.container_name] = lived.container
        await lived.do(one, "begin", 0, MIDNIGHT)
        for is_second, step in history:
            await lived.do(lived.stores[is_second], *step)
        for store in lived.stores:
            await lived.look_all(store)
    del double.gateway.databases[chosen.database_name][chosen.container_name]


@pytest.mark.parametrize("properties", [{"default_ttl": -1}, {}], ids=["expiring", "lasting"])
def test_the_figures_of_any_history_are_those_counted_by_hand(properties: dict[str, object]) -> None:
    with double_server(KEY) as double, asyncio.Runner() as runner:

        @settings(max_examples=60, deadline=None)
        @given(history=histories)
        def compare(history: list[tuple[bool, tuple]]) -> None:
            runner.run(live(double, history, **properties))

        compare()
