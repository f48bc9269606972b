"""Opening and closing: lazily, once for each event loop, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import types
import warnings
from typing import Self

import pytest

from chatlog import Session
from chatlog.errors import ConfigurationError, StorageDenied, StorageUnavailable, StoreClosed
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, settings_for
from tests.factories import make_draft, make_session


@pytest.fixture
def no_leaks() -> None:
    """Anything left open is an error: aiohttp and asyncio complain when it is collected."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(complaint.message) for complaint in complaints if issubclass(complaint.category, ResourceWarning)] == []


async def test_making_a_store_sends_nothing(double: Double) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint))
    await store.aclose()
    assert not double.journal.requests


async def test_many_first_calls_open_one_client(double: Double) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK)
    await asyncio.gather(*(store.ping() for _ in range(20)))
    assert double.journal.requests["post colls"] == 1
    await store.aclose()


def test_two_event_loops_one_after_the_other(double: Double, no_leaks: None) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK)

    async def save(session_id: str) -> int:
        return (await store.append_messages(session_id, [make_draft()]))[0].sequence

    session = asyncio.run(store.create_session(make_session()))
    assert asyncio.run(save(session.session_id)) == 1  # never closed: each loop closes what was opened in it
    assert asyncio.run(save(session.session_id)) == 2
    asyncio.run(store.aclose())


def test_two_event_loops_at_the_same_time(double: Double, no_leaks: None) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK)
    session = asyncio.run(store.create_session(make_session()))
    both = threading.Barrier(2)

    async def save_ten() -> None:
        await store.ping()
        await asyncio.to_thread(both.wait)
        for _ in range(10):
            await store.append_messages(session.session_id, [make_draft()])
        await asyncio.to_thread(both.wait)

    threads = [threading.Thread(target=asyncio.run, args=[save_ten()]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def look() -> list[int]:
        async with store:
            return [message.sequence for message in await store.list_messages(session.session_id)]

    assert asyncio.run(look()) == list(range(1, 21))


def test_closing_closes_the_clients_of_other_loops_too(double: Double, no_leaks: None) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK)
    opened, closed = threading.Event(), threading.Event()

    async def hold() -> None:
        await store.create_session(make_session())
        opened.set()
        await asyncio.to_thread(closed.wait)
        with pytest.raises(StoreClosed):
            await store.ping()

    thread = threading.Thread(target=asyncio.run, args=[hold()])
    thread.start()
    opened.wait()
    asyncio.run(store.aclose())
    closed.set()
    thread.join()


def test_a_failed_opening_leaves_nothing_open(double: Double, no_leaks: None) -> None:
    async def fail() -> None:
        double.inject("*", "refuse", times=-1)
        with pytest.raises(StorageUnavailable):
            async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK):
                pytest.fail("it must not open")

    asyncio.run(fail())


async def test_calls_under_way_are_finished_before_closing(double: Double, store: CosmosSessionStore, session: Session) -> None:
    slow = double.inject("query", "hang")
    reading = asyncio.create_task(store.list_messages(session.session_id))
    saves = [asyncio.create_task(store.append_messages(session.session_id, [make_draft()])) for _ in range(30)]
    await asyncio.to_thread(slow.began.wait, 10)
    closing = asyncio.create_task(store.aclose())
    await asyncio.gather(*saves)
    done, _ = await asyncio.wait([closing], timeout=0.1)
    assert not done  # the reader still waits for its answer
    with pytest.raises(StoreClosed):
        await store.ping()
    double.release()
    await closing
    assert [(await save)[0].sequence for save in saves] == list(range(1, 31))
    assert len(await reading) in {0, 30}


@pytest.mark.parametrize("refuses", [False, True])
async def test_without_a_key_it_signs_in_with_entra_id_and_signs_out(monkeypatch: pytest.MonkeyPatch, *, refuses: bool) -> None:
    events: list[str] = []
    monkeypatch.setitem(sys.modules, "azure.identity.aio", entra_double(events, refuses=refuses))
    store = CosmosSessionStore(settings_for("https://127.0.0.1:9", key=None), tuning=QUICK)
    with pytest.raises(StorageDenied if refuses else StorageUnavailable, match=r"127[.]0[.]0[.]1:9"):
        await store.ping()
    await store.aclose()
    assert events[0] == "https://127.0.0.1/.default"
    assert events[-1] == "closed"


async def test_a_server_without_tls_needs_a_key(double: Double) -> None:
    store = CosmosSessionStore(settings_for(double.endpoint, key=None), tuning=QUICK)
    with pytest.raises(ConfigurationError, match="without TLS"):
        await store.ping()
    await store.aclose()


async def test_without_a_key_and_azure_identity_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    store = CosmosSessionStore(settings_for("https://127.0.0.1:9", key=None), tuning=QUICK)
    with pytest.raises(ConfigurationError, match=r"chatlog\[azure\].*COSMOSDB_KEY"):
        await store.ping()
    await store.aclose()


def test_importing_chatlog_loads_no_azure() -> None:
    program = "import chatlog, chatlog.manager, sys; print(*(name.split('.')[0] for name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"azure", "aiohttp", "apsw", "django"} & set(result.stdout.split())


def entra_double(events: list[str], *, refuses: bool) -> types.ModuleType:
    from azure.core.credentials import AccessToken
    from azure.core.exceptions import ClientAuthenticationError

    class DefaultAzureCredential:
        async def get_token(self, *scopes: str, **_: object) -> AccessToken:
            events.extend(scopes)
            if refuses:
                raise ClientAuthenticationError("nobody is signed in")
            return AccessToken("token", 2**40)

        async def close(self) -> None:
            events.append("closed")

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None:
            await self.close()

    module = types.ModuleType("azure.identity.aio")
    module.DefaultAzureCredential = DefaultAzureCredential
    return module
