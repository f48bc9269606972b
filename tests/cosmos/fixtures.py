"""Fresh stores for tests, each with a container of its own; a server is started once and shared by the whole run."""

from __future__ import annotations

import atexit
import functools
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

from chatlog.config import CosmosSettings, StoreSettings
from chatlog.storage.cosmos.container import UNIQUE_KEY_POLICY
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.cosmos.tuning import Tuning
from tests.cosmos.double.server import double_server
from tests.cosmos.npm_server import npm_server

# Any Base64 text does for a local server; this one says what it is.
KEY = "bm90IGEgc2VjcmV0OiBvbmx5IGZvciB0ZXN0cw=="

# Gives up soon, and leaves the session's figures alone, so that a test sees exactly the requests it caused.
QUICK = Tuning(
    attempt_seconds=5.0,
    total_seconds=15.0,
    attempts=5,
    turns=40,
    first_pause=0.001,
    longest_pause=0.01,
    figures_seconds=600,
    idle_seconds=3600,
    ledger_seconds=None,
    batches_are_atomic=True,
)

_servers = ExitStack()
atexit.register(_servers.close)


@functools.cache
def npm_endpoint() -> str:
    return _servers.enter_context(npm_server())


def settings_for(endpoint: str, **overrides: object) -> CosmosSettings:
    """Settings that name a container which no other test uses."""
    values = {"endpoint": endpoint, "key": KEY, "emulator": True, "database_name": "tests", "container_name": _new_name()}
    return CosmosSettings(**values | overrides)


@asynccontextmanager
async def open_npm_store(*, tuning: Tuning | None = None) -> AsyncIterator[CosmosSessionStore]:
    async with CosmosSessionStore(settings_for(npm_endpoint()), tuning=tuning) as store:
        yield store


def _new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


@asynccontextmanager
async def open_double_store(*, tuning: Tuning | None = None) -> AsyncIterator[CosmosSessionStore]:
    tuning = tuning or Tuning(batches_are_atomic=True)
    with double_server(KEY) as double:
        async with CosmosSessionStore(settings_for(double.endpoint), tuning=tuning) as store:
            yield store


@asynccontextmanager
async def open_endpoint_store(*, tuning: Tuning | None = None) -> AsyncIterator[CosmosSessionStore]:
    """A store on the endpoint that the environment names, in a database of its own that is removed afterwards."""
    named = StoreSettings.from_env().cosmos
    assert named is not None, "COSMOSDB_ENDPOINT is not set"
    settings = replace(named, database_name=_new_name(), container_name="sessions")
    try:
        async with CosmosSessionStore(settings, tuning=tuning) as store:
            yield store
    finally:
        await _drop_database(settings)


@asynccontextmanager
async def create_container(
    settings: CosmosSettings, *, unique_keys: bool = True, partition_key: str = "/session_id", **properties: Any
) -> AsyncIterator[ContainerProxy]:
    """A container as somebody else might have made it."""
    if unique_keys:
        properties["unique_key_policy"] = UNIQUE_KEY_POLICY
    async with _client(settings) as client:
        database = await client.create_database_if_not_exists(settings.database_name)
        yield await database.create_container(settings.container_name, PartitionKey(path=partition_key), **properties)


async def _drop_database(settings: CosmosSettings) -> None:
    async with _client(settings) as client:
        await client.delete_database(settings.database_name)


def _client(settings: CosmosSettings) -> CosmosClient:
    options = {"connection_verify": False, "enable_endpoint_discovery": False} if settings.emulator else {}
    return CosmosClient(settings.endpoint, settings.key, **options)
