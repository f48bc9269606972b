"""A process that follows a container in small steps until it is killed: python -m … ENDPOINT CONTAINER FILE"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from chatlog.config import CosmosSettings
from chatlog.storage.cosmos import change_feed
from chatlog.storage.mirror.store import MirrorStore
from tests.chatlog.storage.mirror.conftest import HASTY
from tests.cosmos.fixtures import KEY, QUICK

change_feed.MAX_PAGE_SIZE = 5


async def main(endpoint: str, container: str, path: str) -> None:
    settings = CosmosSettings(
        endpoint=endpoint, key=KEY, emulator=True, database_name="tests", container_name=container, read_only=True
    )
    async with MirrorStore(settings, Path(path), tuning=QUICK, pace=HASTY):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
