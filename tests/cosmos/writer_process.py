"""A writer in a process of its own: saves its remarks one by one and prints the numbers they got."""

from __future__ import annotations

import asyncio
import json
import sys

from chatlog.config import CosmosSettings
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.fixtures import KEY
from tests.factories import make_draft


async def main(arguments: list[str]) -> None:
    endpoint, database, container, session_id, name, remarks = arguments
    settings = CosmosSettings(endpoint=endpoint, key=KEY, emulator=True, database_name=database, container_name=container)
    async with CosmosSessionStore(settings) as store:
        drafts = [make_draft(source=name, content=str(number)) for number in range(int(remarks))]
        numbers = [(await store.append_messages(session_id, [draft]))[0].sequence for draft in drafts]
    print(json.dumps(numbers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
