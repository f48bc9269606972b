"""Writing to a store that may be away for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatlog.errors import LASTING, StorageError

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
Result = TypeVar("Result")


async def persist(attempt: Callable[[], Awaitable[Result]], *, tell: Callable[[str], None]) -> Result:
    """Make the attempt until the store answers. It has to bear being repeated, as a save with a message id does.

    Args:
        tell: called with a sentence when the store goes away, and with one when it is back.
    Raises:
        StorageError: waiting will not help.
    """
    pause, is_troubled = FIRST_PAUSE_SECONDS, False
    while True:
        try:
            result = await attempt()
        except StorageError as error:
            if isinstance(error, LASTING):
                raise
            if not is_troubled:
                tell(f"Waiting for the store: {error}")
            is_troubled = True
        else:
            if is_troubled:
                tell("The store answers again.")
            return result
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
