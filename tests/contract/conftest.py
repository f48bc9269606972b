"""One suite, every store: each test here runs on all of them and knows none."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from chatlog import Session, SessionStore, open_store
from tests.cosmos.fixtures import open_double_store, open_endpoint_store, open_npm_store
from tests.factories import make_session


@asynccontextmanager
async def open_sqlite_store(folder: Path) -> AsyncIterator[SessionStore]:
    async with open_store(f"sqlite:///{folder}/chatlog.sqlite3") as store:
        yield store


STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[SessionStore]]] = {
    "sqlite": open_sqlite_store,
    "cosmos-npm": lambda _: open_npm_store(),
    "cosmos-double": lambda _: open_double_store(),
}
if os.environ.get("COSMOSDB_ENDPOINT"):  # Microsoft's emulator, or a real account
    STORES["cosmos-endpoint"] = lambda _: open_endpoint_store()


@pytest.fixture(params=list(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session())
