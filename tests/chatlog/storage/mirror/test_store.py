"""A container of another program is shown as it is, live, and never written to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatlog import open_store
from chatlog.config import CosmosSettings, StoreSettings
from chatlog.domain.filters import SearchQuery
from chatlog.domain.models import SessionStatus
from chatlog.domain.search import parse_terms
from chatlog.errors import ConfigurationError, StorageError, StorageReadOnly, StorageUnavailable, StoreClosed, WatchedOnly
from chatlog.storage.cosmos import change_feed
from chatlog.storage.mirror.store import MirrorStore
from chatlog.storage.watching import WatchingStore
from tests.chatlog.storage.cosmos.test_seed_documents import seed_message, seed_session
from tests.chatlog.storage.mirror.conftest import OpenMirror, eventually, messages_of, mirrored, more_requests
from tests.chatlog.storage.mirror.foreign import dotnet_document, dotnet_text, python_document, said, write
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import create_container, settings_for
from tests.factories import make_draft, make_session

READS = {"account", "get colls", "get pkranges", "change_feed"}


async def test_what_is_there_can_be_listed_read_searched_and_counted(open_mirror: OpenMirror, container: Container) -> None:
    write(container, *(seed_message(number, place=number) for number in (1, 2, 3)), seed_session())
    write(container, python_document(said("user", "Find a name"), session_id="t"))
    async with open_mirror() as mirror:
        page = await mirror.list_sessions()
        assert [session.session_id for session in page.items] == ["t", "session_20240120_143022"]
        assert [m.sequence for m in await messages_of(mirror, "session_20240120_143022")] == [1, 2, 3]
        found = await mirror.search(SearchQuery(terms=parse_terms("提案")))
        assert len(found.hits) == 3
        days = await mirror.list_usage(since=date(2024, 1, 1), until=date(2026, 12, 1))
        assert [day.day for day in days] == [date(2024, 1, 20), date(2026, 11, 23)]


async def test_nothing_but_reads_is_ever_sent(double: Double, open_mirror: OpenMirror, container: Container) -> None:
    write(container, seed_session(), seed_message(1, place=1), python_document(said("user", "Find a name")))
    before = {key: dict(items) for key, items in container.partitions.items()}
    async with open_mirror() as mirror:
        await mirror.ping()
        write(container, python_document(said("assistant", "Kanata")))
        await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
    assert set(double.journal.requests) == READS
    assert double.journal.requests["change_feed"] > 2
    del container.partitions["thread-1"][list(container.partitions["thread-1"])[-1]]
    assert container.partitions == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_session", {"session": make_session()}),
        ("append_messages", {"session_id": "thread-1", "drafts": [make_draft()]}),
        ("update_session", {"session_id": "thread-1", "title": "Another"}),
        ("delete_session", {"session_id": "thread-1"}),
        ("restore_session", {"session_id": "thread-1"}),
        ("purge_deleted", {"before": datetime.now(UTC)}),
    ],
)
async def test_what_would_write_is_refused_and_names_the_setting(
    open_mirror: OpenMirror, container: Container, name: str, arguments: dict[str, Any]
) -> None:
    write(container, python_document(said("user", "Find a name")))
    async with open_mirror() as mirror:
        with pytest.raises(WatchedOnly, match="COSMOSDB_READ_ONLY") as caught:
            await getattr(mirror, name)(**arguments)
        assert isinstance(caught.value, StorageReadOnly)
        assert len(await messages_of(mirror, "thread-1")) == 1


async def test_a_new_message_appears_while_it_is_watched(open_mirror: OpenMirror, container: Container) -> None:
    write(container, python_document(said("user", "Find a name")))
    async with open_mirror() as mirror:
        while await mirror.wait_for_change(at_most=0.2):
            pass  # what was committed while it opened
        waiting = asyncio.create_task(mirror.wait_for_change(at_most=10))
        await asyncio.sleep(0)
        write(container, python_document(said("assistant", "Kanata", author="namer")))
        assert await waiting
        found = await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
        assert [(m.source, m.content) for m in found] == [("user", "Find a name"), ("namer", "Kanata")]


async def test_a_container_that_is_missing_is_named_and_not_made(double: Double, open_mirror: OpenMirror) -> None:
    missing = settings_for(double.endpoint, read_only=True)
    with pytest.raises(StorageError, match=f"no container tests/{missing.container_name} "):
        await mirrored(open_mirror("missing.sqlite3", of=missing))
    assert missing.container_name not in double.gateway.databases["tests"]
    assert set(double.journal.requests) <= READS


async def test_a_ping_says_when_the_container_cannot_be_reached_and_pages_still_read(
    double: Double, open_mirror: OpenMirror, container: Container
) -> None:
    write(container, python_document(said("user", "Find a name")))
    mirror = open_mirror()
    await mirrored(mirror)
    await mirror.ping()
    away = double.inject("*", "answer", times=-1, status=503)
    with pytest.raises(StorageUnavailable, match="503"):
        await mirror.ping()
    watched = await eventually(mirror.get_watched, until=lambda watched: watched.trouble is not None)
    assert "503" in str(watched.trouble)
    assert len(await messages_of(mirror, "thread-1")) == 1
    write(container, python_document(said("assistant", "Kanata")))
    away.times = 0
    await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
    assert (await eventually(mirror.get_watched, until=lambda watched: watched.trouble is None)).is_complete
    await mirror.ping()


async def test_trouble_is_over_with_the_first_page_and_not_with_the_last(
    double: Double, open_mirror: OpenMirror, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "MAX_PAGE_SIZE", 1)
    write(container, *(python_document(said("user", str(number))) for number in range(5)))
    mirror = open_mirror()
    away = double.inject("*", "answer", times=-1, status=503)
    with pytest.raises(StorageUnavailable):
        await mirror.ping()
    double.inject("change_feed", "hang", times=-1, skip=3)
    away.times = 0
    watched = await eventually(mirror.get_watched, until=lambda watched: watched.trouble is None)
    assert not watched.is_complete
    await mirror.ping()


async def test_closing_it_ends_a_ping_that_waits_with_an_error_that_says_so(
    double: Double, open_mirror: OpenMirror, container: Container
) -> None:
    mirror = open_mirror()
    await mirrored(mirror)
    hanging = double.inject("get colls", "hang", times=-1)
    ping = asyncio.create_task(mirror.ping())
    await asyncio.to_thread(hanging.began.wait, 10)
    await mirror.aclose()
    with pytest.raises(StoreClosed):
        await ping
    with pytest.raises(StoreClosed):
        await mirror.ping()


async def test_a_fault_that_stays_is_logged_once(
    double: Double, open_mirror: OpenMirror, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = open_mirror()
    await mirrored(mirror)
    away = double.inject("*", "answer", times=-1, status=503)
    await eventually(mirror.get_watched, until=lambda watched: watched.trouble is not None)
    await more_requests(double, "account", than=50)
    away.times = 0
    await eventually(mirror.get_watched, until=lambda watched: watched.trouble is None)
    told = [record.getMessage() for record in caplog.records if "is not followed" in record.getMessage()]
    assert len(told) == len(set(told)) <= 2  # one for reading, one for connecting


async def test_the_environment_chooses_it(settings: CosmosSettings, tmp_path: Path) -> None:
    env = {
        "CHATLOG_DATA_DIR": str(tmp_path),
        "COSMOSDB_ENDPOINT": settings.endpoint,
        "COSMOSDB_KEY": str(settings.key),
        "COSMOSDB_EMULATOR": "1",
        "COSMOSDB_READ_ONLY": "1",
    }
    store = open_store(StoreSettings.from_env(env))
    assert isinstance(store, MirrorStore)
    assert isinstance(store, WatchingStore)
    assert store.path.parent == tmp_path
    other = StoreSettings.from_env(env | {"COSMOSDB_CONTAINER_NAME": "other"})
    assert other.mirror_path != store.path
    with pytest.raises(ConfigurationError, match="COSMOSDB_ENDPOINT"):
        StoreSettings.from_env({"COSMOSDB_READ_ONLY": "1"})
    await store.aclose()


async def test_any_partition_key_will_do(double: Double, open_mirror: OpenMirror) -> None:
    settings = settings_for(double.endpoint, read_only=True)
    async with create_container(settings, unique_keys=False, partition_key="/source_id"):
        container = double.gateway.databases[settings.database_name][settings.container_name]
        write(container, python_document(said("user", "Find a name")))
        mirror = open_mirror("other.sqlite3", of=settings)
        await mirrored(mirror)
        assert len(await messages_of(mirror, "thread-1")) == 1


async def test_keys_in_a_hierarchy_will_do(double: Double, settings: CosmosSettings, open_mirror: OpenMirror) -> None:
    keys = {"paths": ["/tenantId", "/userId", "/sessionId"], "kind": "MultiHash", "version": 2}
    container = Container({"id": "hierarchy", "partitionKey": keys})
    double.gateway.databases["tests"]["hierarchy"] = container
    for tenant in ("t1", "t2"):
        owner = {"tenantId": tenant, "userId": "u", "sessionId": "conversation-1"}
        write(container, dotnet_document("user", dotnet_text(f"Hello from {tenant}"), **owner))
    async with open_mirror("other.sqlite3", of=replace(settings, container_name="hierarchy")) as mirror:
        for tenant in ("t1", "t2"):
            (message,) = await messages_of(mirror, f"{tenant}:u:conversation-1")
            assert message.content == f"Hello from {tenant}"


@pytest.mark.parametrize(
    ("default_ttl", "ttl", "lifetime"),
    [(None, 3_600, None), (-1, None, None), (-1, 3_600, 3_600), (86_400, None, 86_400), (86_400, 3_600, 3_600)],
)
async def test_what_expires_there_is_said(
    double: Double,
    open_mirror: OpenMirror,
    caplog: pytest.LogCaptureFixture,
    *,
    default_ttl: int | None,
    ttl: int | None,
    lifetime: int | None,
) -> None:
    settings = settings_for(double.endpoint, read_only=True)
    options = {} if default_ttl is None else {"default_ttl": default_ttl}
    async with create_container(settings, unique_keys=False, **options):
        container = double.gateway.databases[settings.database_name][settings.container_name]
        write(container, python_document(said("user", "Find a name"), **({} if ttl is None else {"ttl": ttl})))
        mirror = open_mirror("other.sqlite3", of=settings)
        await mirrored(mirror)
        watched = await mirror.get_watched()
    assert watched.lifetime == (None if lifetime is None else timedelta(seconds=lifetime))
    assert [f"expire {lifetime} seconds" in text for text in caplog.messages].count(True) == (0 if lifetime is None else 1)


async def test_what_expired_there_stays_here(open_mirror: OpenMirror, container: Container) -> None:
    write(container, python_document(said("user", "Find a name"), ttl=60))
    async with open_mirror() as mirror:
        container.seconds_ahead = 120
        write(container, python_document(said("assistant", "Kanata"), ttl=600))
        found = await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
        assert [m.content for m in found] == ["Find a name", "Kanata"]


async def test_documents_that_nobody_knows_are_counted_and_told_once_a_kind(
    open_mirror: OpenMirror, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    write(container, *({"id": f"lease-{n}", "session_id": "x", "owner": "somebody"} for n in range(5)))
    write(container, {**seed_message(1, place=1), "timestamp": "yesterday"}, python_document(said("user", "Find a name")))
    async with open_mirror() as mirror:
        assert (await mirror.get_watched()).unread == 6
        assert [session.session_id for session in (await mirror.list_sessions()).items] == ["thread-1"]
    told = [text for text in caplog.messages if "are left out" in text]
    assert len(told) == 2
    assert not any("somebody" in text or "yesterday" in text for text in told)


async def test_a_session_of_the_seed_has_the_status_that_its_document_says(
    open_mirror: OpenMirror, container: Container
) -> None:
    write(container, seed_message(1, place=1), {**seed_session(), "status": "active"})
    async with open_mirror() as mirror:
        assert (await mirror.get_session("session_20240120_143022")).status is SessionStatus.ACTIVE
        write(container, {**seed_session(), "status": "failed"})
        changed = await eventually(
            lambda: mirror.get_session("session_20240120_143022"),
            until=lambda session: session.status is not SessionStatus.ACTIVE,
        )
        assert (changed.status, changed.message_count) == (SessionStatus.FAILED, 1)
