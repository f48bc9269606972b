"""A container of another program on the strict double, and mirrors of it that look often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from chatlog.config import CosmosSettings
from chatlog.domain.models import Message
from chatlog.storage.base import SessionStore
from chatlog.storage.mirror.following import Pace
from chatlog.storage.mirror.store import MirrorStore
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import KEY, QUICK, create_container, double_server, settings_for

Result = TypeVar("Result")
HASTY = Pace(busy=0.02, idle=0.05, turn=0.02, care=0.05, first_pause=0.01, longest_pause=0.05, units_per_second=1e9)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    # The SDK asks for the account up to four times, half a second apart and whatever the answer; only this shortens it.
    monkeypatch.setenv("AZURE_COSMOS_HEALTH_CHECK_RETRY_AFTER_MS", "1")
    with double_server(KEY) as running:
        yield running


@pytest.fixture
async def settings(double: Double) -> AsyncIterator[CosmosSettings]:
    settings = settings_for(double.endpoint, read_only=True)
    async with create_container(settings, unique_keys=False, default_ttl=-1):
        double.journal.requests.clear()
        yield settings


@pytest.fixture
def container(double: Double, settings: CosmosSettings) -> Container:
    return double.gateway.databases[settings.database_name][settings.container_name]


OpenMirror = Callable[..., MirrorStore]


@pytest.fixture
async def open_mirror(settings: CosmosSettings, tmp_path: Path) -> AsyncIterator[OpenMirror]:
    """Makes mirrors in one data folder, all closed at the end."""
    opened: list[MirrorStore] = []

    def make(name: str = "mirror.sqlite3", *, of: CosmosSettings = settings) -> MirrorStore:
        opened.append(MirrorStore(of, tmp_path / name, tuning=QUICK, pace=HASTY))
        return opened[-1]

    yield make
    for mirror in opened:
        await mirror.aclose()


async def mirrored(mirror: MirrorStore) -> None:
    """Wait until the mirror has all that is in the container now."""
    async with asyncio.timeout(10):
        await mirror.__aenter__()


async def eventually(ask: Callable[[], Awaitable[Result]], *, until: Callable[[Result], bool]) -> Result:
    async with asyncio.timeout(10):
        while not until(found := await ask()):  # noqa: ASYNC110  # whatever is asked can only be asked again
            await asyncio.sleep(0.01)
    return found


async def more_requests(double: Double, operation: str, *, than: int = 3) -> None:
    """Wait until so many more have come in."""
    before = double.journal.requests[operation]
    await eventually(lambda: asyncio.sleep(0, double.journal.requests[operation]), until=lambda now: now > before + than)


async def messages_of(store: SessionStore, session_id: str) -> list[Message]:
    return await store.list_messages(session_id, limit=1000)
