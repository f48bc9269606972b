"""The change feed as the real SDK reads it: whole, in order, resumed, and without a write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatlog.config import CosmosSettings
from chatlog.errors import StorageDenied, StorageError, StorageUnavailable
from chatlog.storage.cosmos import change_feed
from chatlog.storage.cosmos.change_feed import ChangeFeed, open_change_feed
from tests.cosmos.double.containers import Container, physical_of
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for

# Session ids of different physical partitions.
ONE, ANOTHER = "a", "d"


@pytest.fixture
async def settings(double: Double) -> AsyncIterator[CosmosSettings]:
    settings = settings_for(double.endpoint)
    async with create_container(settings, unique_keys=False):
        double.journal.requests.clear()
        yield settings


@pytest.fixture
def container(double: Double, settings: CosmosSettings) -> Container:
    return double.gateway.databases[settings.database_name][settings.container_name]


@pytest.fixture
async def feed(settings: CosmosSettings) -> AsyncIterator[ChangeFeed]:
    async with open_change_feed(settings, QUICK) as opened:
        yield opened


def put(container: Container, session_id: str, *names: str) -> None:
    for name in names:
        container.put(session_id, {"id": name, "session_id": session_id})


async def read(feed: ChangeFeed, continuation: str | None) -> tuple[list[str], str | None]:
    names = []
    async for changes in feed.read(continuation):
        names += [document["id"] for document in changes.documents]
        continuation = changes.continuation
    return names, continuation


def test_the_two_sessions_lie_in_different_physical_partitions() -> None:
    assert physical_of(ONE) != physical_of(ANOTHER)


async def test_everything_is_read_from_the_beginning_and_each_partition_in_its_order(
    feed: ChangeFeed, container: Container
) -> None:
    put(container, ONE, "1", "3", "5")
    put(container, ANOTHER, "2", "4")
    names, _ = await read(feed, None)
    assert sorted(names) == ["1", "2", "3", "4", "5"]
    assert [name for name in names if name in "135"] == ["1", "3", "5"]


async def test_reading_on_finds_what_is_new_in_every_partition_once(feed: ChangeFeed, container: Container) -> None:
    put(container, ONE, "1")
    put(container, ANOTHER, "2")
    seen, continuation = await read(feed, None)
    for round_ in range(5):
        assert (await read(feed, continuation))[0] == []
        put(container, ONE if round_ % 2 else ANOTHER, f"new {round_}")
        put(container, ANOTHER if round_ % 2 else ONE, f"also {round_}")
        names, continuation = await read(feed, continuation)
        assert sorted(names) == [f"also {round_}", f"new {round_}"]
        seen += names
    assert len(seen) == len(set(seen)) == 12


async def test_every_page_has_a_token_to_go_on_from(
    feed: ChangeFeed, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "MAX_PAGE_SIZE", 2)
    put(container, ONE, *(f"one {number}" for number in range(5)))
    put(container, ANOTHER, *(f"another {number}" for number in range(4)))
    pages = [changes async for changes in feed.read(None)]
    assert all(len(page.documents) <= 2 for page in pages)
    for number, page in enumerate(pages):
        rest = [document["id"] for later in pages[number + 1 :] for document in later.documents]
        assert sorted((await read(feed, page.continuation))[0]) == sorted(rest)


async def test_a_part_that_never_ends_leaves_the_others_their_turn(
    feed: ChangeFeed, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, other = sorted((ONE, ANOTHER), key=physical_of)

    def list_changes(physical: int, *, after: int) -> list[dict[str, Any]]:
        if physical == physical_of(busy):
            put(container, busy, f"busy {container.lsn}")
        return Container.list_changes(container, physical, after=after)

    monkeypatch.setattr(container, "list_changes", list_changes)
    put(container, other, "patient")
    changes = [changes async for changes in feed.read(None)]
    assert [document["id"] for document in changes[-1].documents] == ["patient"]
    assert [page.has_more for page in changes].count(True) == 1
    assert len(changes) == change_feed.MOST_PAGES_A_TURN + 1


async def test_a_document_that_changed_comes_again_in_its_newest_form_only(feed: ChangeFeed, container: Container) -> None:
    put(container, ONE, "1", "2")
    _, continuation = await read(feed, None)
    container.put(ONE, {"id": "1", "session_id": ONE, "text": "first"})
    container.put(ONE, {"id": "1", "session_id": ONE, "text": "second"})
    (changes,) = [changes async for changes in feed.read(continuation)]
    assert [document["text"] for document in changes.documents] == ["second"]


@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "garble", "answer", "throttle"])
async def test_a_fault_that_passes_costs_neither_a_document_nor_a_second_look(
    double: Double, feed: ChangeFeed, container: Container, kind: str
) -> None:
    put(container, ONE, "1", "2")
    put(container, ANOTHER, "3")
    double.inject("change_feed", kind, times=2, skip=1)
    names, continuation = await read(feed, None)
    assert sorted(names) == ["1", "2", "3"]
    assert (await read(feed, continuation))[0] == []


async def test_a_fault_that_stays_is_told_after_a_bounded_number_of_attempts(double: Double, feed: ChangeFeed) -> None:
    double.inject("change_feed", "answer", times=-1, status=503)
    with pytest.raises(StorageUnavailable, match="answered 503 again and again \\(read the change feed\\)"):
        await read(feed, None)
    assert double.journal.requests["change_feed"] == QUICK.attempts


async def test_a_missing_container_is_named_and_not_made(double: Double, settings: CosmosSettings) -> None:
    missing = settings_for(double.endpoint)
    with pytest.raises(StorageError, match=f"no container tests/{missing.container_name} .* never makes one"):
        async with open_change_feed(missing, QUICK) as feed:
            await feed.examine()
    assert missing.container_name not in double.gateway.databases["tests"]


async def test_a_wrong_key_is_said_to_be_one(settings: CosmosSettings) -> None:
    wrong = settings_for(settings.endpoint, key="d3Jvbmc=")
    with pytest.raises(StorageDenied, match="COSMOSDB_KEY"):
        async with open_change_feed(wrong, QUICK):
            pass


async def test_only_reads_are_sent(double: Double, feed: ChangeFeed, container: Container) -> None:
    put(container, ONE, "1")
    await feed.examine()
    await read(feed, None)
    assert set(double.journal.requests) == {"account", "get colls", "get pkranges", "change_feed"}


async def test_the_properties_tell_when_items_expire(double: Double) -> None:
    for default_ttl, told in ((None, None), (-1, -1), (86_400, 86_400)):
        settings = settings_for(double.endpoint)
        options = {} if default_ttl is None else {"default_ttl": default_ttl}
        async with create_container(settings, unique_keys=False, **options), open_change_feed(settings, QUICK) as feed:
            assert (await feed.examine()).default_ttl == told
