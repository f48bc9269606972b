"""A strict double of the service for each test, and stores on it that are quick to give up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from chatlog import Session
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double, double_server
from tests.cosmos.fixtures import KEY, QUICK, settings_for
from tests.factories import make_session


@pytest.fixture(autouse=True)
def _no_pause_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK asks for the account up to four times, half a second apart and whatever the answer; only this shortens it."""
    monkeypatch.setenv("AZURE_COSMOS_HEALTH_CHECK_RETRY_AFTER_MS", "1")


@pytest.fixture
def double() -> Iterator[Double]:
    with double_server(KEY) as running:
        yield running


@pytest.fixture
async def store(double: Double) -> AsyncIterator[CosmosSessionStore]:
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK) as opened:
        double.journal.requests.clear()
        yield opened


@pytest.fixture
async def session(store: CosmosSessionStore) -> Session:
    return await store.create_session(make_session())
