"""Writing to a store that may be away for a while: said once when it goes, once when it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatlog import StorageError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


async def until_stored(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Make the attempt until the store takes it; attempts have to bear being repeated, as a save with a message id does."""
    pause = _FIRST_PAUSE_SECONDS
    troubled = False
    while True:
        try:
            result = await attempt()
        except StorageError as error:
            if not troubled:
                logger.warning("The discussion waits for the store: %s", error)
            troubled = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            if troubled:
                logger.warning("The store answers again; the discussion goes on.")
            return result
