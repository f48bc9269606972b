"""Writing to a store that may be away for a while: said once when it goes, once when it is back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatlog.services.persisting import persist

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


async def until_stored(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Make the attempt until the store takes it; see `persist`."""
    return await persist(attempt, tell=logger.warning)
