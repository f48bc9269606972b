"""An import that is killed: python -m tests.chatlog.services.import_program STORE FILE. It writes a dot when it begins."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.chatlog.services.taking import bring_in, open_sqlite


async def run(location: Path, file: Path) -> None:
    async with open_sqlite(location) as store:
        sys.stdout.write(".")
        sys.stdout.flush()
        await bring_in(store, file)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
