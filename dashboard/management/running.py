"""What commands that read or write the store have in common: how they run and how they end.

Exit status 0: done. 1: something was left out, and named. 2: it could not be done. 130: stopped with Ctrl-C.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.core.management.base import CommandError

from chatlog.errors import ConfigurationError, InvalidInput, SessionNotFound, StorageError
from chatlog.storage.base import SessionStore
from chatlog.storage.opening import open_store

Result = TypeVar("Result")

LEFT_OUT = 1
IMPOSSIBLE = 2
STOPPED = 130


def run_with_store(work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    """Do the work with a store of its own. Raises `CommandError` for what keeps it from being done, and on Ctrl-C."""
    try:
        return asyncio.run(_run(work))
    except (ConfigurationError, InvalidInput, SessionNotFound, StorageError) as error:
        raise CommandError(str(error), returncode=IMPOSSIBLE) from error
    except KeyboardInterrupt:
        raise CommandError("Stopped. The same command goes on where this ended.", returncode=STOPPED) from None


async def _run(work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    async with open_store() as store:
        return await work(store)
