"""Another program's container with one discussion in it, and the store that a site watches it with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chatlog.config import CosmosSettings
from chatlog.storage.mirror.store import MirrorStore
from tests.chatlog.storage.mirror.conftest import HASTY
from tests.chatlog.storage.mirror.foreign import python_document, said, write
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import KEY, QUICK, create_container, double_server, settings_for


@dataclass
class WatchedContainer:
    double: Double
    settings: CosmosSettings
    container: Container

    def open_store(self, folder: Path) -> MirrorStore:
        return MirrorStore(self.settings, folder / "mirror.sqlite3", tuning=QUICK, pace=HASTY)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "COSMOSDB_ENDPOINT": self.double.endpoint,
            "COSMOSDB_KEY": KEY,
            "COSMOSDB_EMULATOR": "1",
            "COSMOSDB_DATABASE_NAME": self.settings.database_name,
            "COSMOSDB_CONTAINER_NAME": self.settings.container_name,
            "COSMOSDB_READ_ONLY": "1",
        }


@asynccontextmanager
async def watched_container() -> AsyncIterator[WatchedContainer]:
    with double_server(KEY) as double:
        settings = settings_for(double.endpoint, read_only=True)
        async with create_container(settings, unique_keys=False, default_ttl=-1):
            container = double.gateway.databases[settings.database_name][settings.container_name]
            write(container, python_document(said("user", "会議室の予約を簡単にする製品の名前")))
            yield WatchedContainer(double, settings, container)
