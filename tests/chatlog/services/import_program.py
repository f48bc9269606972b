"""An import that is killed: python -m tests.chatlog.services.import_program STORE FILE.

It writes a dot at each step into a session that is not whole after it, and then gives whoever kills it a moment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.chatlog.services.taking import bring_in, open_sqlite


async def run(location: Path, file: Path) -> None:
    async with open_sqlite(location) as store:
        tattling: Any = store
        tattling.create_session = _telling(store.create_session)
        tattling.append_messages = _telling(store.append_messages)
        await bring_in(store, file)


def _telling(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def do_and_tell(*values: Any) -> Any:
        done = await step(*values)
        sys.stdout.write(".")
        sys.stdout.flush()
        await asyncio.sleep(0.05)
        return done

    return do_and_tell


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
