from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatlog.client import QueueLimits, RemoteStore, sender, stuck
from tests.chatlog.client.fake_site import TOKEN, FakeSite, fake_site
from tests.chatlog.client.gate import Gate
from tests.chatlog.client.served_site import ServedSite, served_site

OpenRemote = Callable[..., RemoteStore]


@pytest.fixture(scope="module")
def served() -> Iterator[ServedSite]:
    """A real site, shared by a module's tests; each has sessions of its own."""
    with served_site() as site:
        yield site


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSite]:
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(sender, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(sender, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(stuck, "LONGEST_PAUSE_SECONDS", 0.05)
    async with fake_site() as site:
        yield site


@pytest.fixture
async def open_remote(tmp_path: Path) -> AsyncIterator[OpenRemote]:
    """Opens stores that share a folder, and closes them, without waiting for a site that is away."""
    async with AsyncExitStack() as stack:

        def open_(site: FakeSite | ServedSite | Gate, **options: Any) -> RemoteStore:
            values = {"token": getattr(site, "token", TOKEN), "folder": tmp_path, "limits": QueueLimits(closing_seconds=0)}
            store = RemoteStore(site.address, **values | options)
            stack.push_async_callback(store.aclose)
            return store

        yield open_


@pytest.fixture
async def store(fake: FakeSite, open_remote: OpenRemote) -> RemoteStore:
    return open_remote(fake)


async def all_sent(store: RemoteStore) -> None:
    """Return when nothing waits any more."""
    async with asyncio.timeout(20):
        while True:
            if not (await store.get_backlog()).waiting:
                return
            await asyncio.sleep(0.01)
