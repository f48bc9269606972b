"""Documents of the seed design: read as they are, continued, and numbered for readers where its writers numbered badly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.factories import make_draft

SESSION_ID = "session_20240120_143022"


def seed_message(number: int, *, place: int, second: int = 25) -> dict:
    return {
        "id": f"{SESSION_ID}_msg_{number:04d}_{1705737022123456 + place}",
        "session_id": SESSION_ID,
        "type": "message",
        "source": "creative_planner",
        "content": f"提案 {place}",
        "timestamp": f"2024-01-20T14:30:{second:02d}.123456",
        "sequence": number,
    }


def seed_session() -> dict:
    return {
        "id": SESSION_ID,
        "session_id": SESSION_ID,
        "type": "session_info",
        "task": "リモートワーク時代の新しいコミュニケーションツール",
        "created_at": "2024-01-20T14:30:22.123456",
        "status": "completed",
        "message_count": 0,
        "participants": ["creative_planner", "market_analyst"],
    }


async def put(double: Double, store: CosmosSessionStore, numbers: list[int]) -> None:
    container = double.gateway.databases[store.settings.database_name][store.settings.container_name]
    container.create(SESSION_ID, seed_session())
    for place, number in enumerate(numbers, 1):
        container.create(SESSION_ID, seed_message(number, place=place, second=place))


@pytest.fixture
async def store(double: Double) -> AsyncIterator[CosmosSessionStore]:
    settings = settings_for(double.endpoint, naive_zone=ZoneInfo("Asia/Tokyo"))
    async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as opened:
        yield opened


async def test_a_seed_session_is_read_with_its_zone(double: Double, store: CosmosSessionStore) -> None:
    await put(double, store, [1, 2, 3])
    (session,) = (await store.list_sessions()).items
    assert session.created_at == datetime(2024, 1, 20, 5, 30, 22, 123456, UTC)
    messages = await store.list_messages(SESSION_ID)
    assert [message.content for message in messages] == ["提案 1", "提案 2", "提案 3"]
    assert messages[0].message_id == f"{SESSION_ID}_msg_0001_1705737022123457"
    assert messages[0].timestamp == datetime(2024, 1, 20, 5, 30, 1, 123456, UTC)


async def test_a_seed_session_is_continued(double: Double, store: CosmosSessionStore) -> None:
    await put(double, store, [1, 2])
    assert await store.get_last_sequence(SESSION_ID) == 2
    (message,) = await store.append_messages(SESSION_ID, [make_draft()])
    assert message.sequence == 3
    assert [m.sequence for m in await store.list_messages(SESSION_ID)] == [1, 2, 3]
    recounted = await store.recount_session(SESSION_ID)
    assert (recounted.message_count, recounted.task[:6]) == (3, "リモートワー")


@pytest.mark.parametrize(
    ("numbers", "order"),
    [([1, 1, 2, 2, 3], [1, 2, 3, 4, 5]), ([1, 2, 7, 9], [1, 2, 3, 4]), ([1, 1, 3], [1, 2, 3]), ([2, 3, 1, 1], [3, 4, 1, 2])],
)
async def test_broken_numbers_are_mended_for_readers_and_writers(
    double: Double, store: CosmosSessionStore, numbers: list[int], order: list[int]
) -> None:
    await put(double, store, numbers)
    total = len(numbers)
    assert await store.get_last_sequence(SESSION_ID) == total
    added = [(await store.append_messages(SESSION_ID, [make_draft(content=f"new {n}")]))[0].sequence for n in range(3)]
    assert added == [total + 1, total + 2, total + 3]
    everything = [f"提案 {place}" for place in order] + ["new 0", "new 1", "new 2"]
    whole = await store.list_messages(SESSION_ID)
    assert [message.content for message in whole] == everything
    assert [message.sequence for message in whole] == list(range(1, total + 4))
    for after in range(total + 4):  # whatever the cursor and the page, a reader sees the same
        page = await store.list_messages(SESSION_ID, after=after, limit=2)
        assert page == whole[after : after + 2]
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        (message,) = await other.append_messages(SESSION_ID, [make_draft()])
        assert message.sequence == total + 4
