"""Trying again: bounded in number and time, with full jitter, on the named errors only."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatlog.errors import StorageUnavailable
from chatlog.storage.cosmos.errors import DRIVER_ERRORS, is_passing, translate, wished_pause
from chatlog.storage.cosmos.tuning import Tuning

Result = TypeVar("Result")


class Budget:
    """The attempts and the time that one call may take."""

    def __init__(self, tuning: Tuning, *, operation: str, host: str) -> None:
        self._tuning = tuning
        self._operation = operation
        self._host = host
        self._attempts = 0
        self._turns = 0
        self.extend()

    def extend(self) -> None:
        """Give the whole time again, because a part of a long answer has come. The attempts stay counted."""
        self._ends = asyncio.get_running_loop().time() + self._tuning.total_seconds

    def attempt(self) -> asyncio.Timeout:
        """The time limit around one request."""
        left = self._ends - asyncio.get_running_loop().time()
        return asyncio.timeout(max(0.0, min(self._tuning.attempt_seconds, left)))

    async def pause(self, error: BaseException) -> None:
        """Wait before the next attempt, or raise the chatlog error if there is to be none."""
        self._attempts += 1
        bound = min(self._tuning.longest_pause, self._tuning.first_pause * 2 ** (self._attempts - 1))
        # Full jitter: writers that were refused together do not come back together.
        pause = max(wished_pause(error), random.uniform(0, bound))  # noqa: S311  # nothing secret
        if not is_passing(error) or self._attempts >= self._tuning.attempts or self._is_over_in(pause):
            raise translate(error, operation=self._operation, host=self._host) from error
        await asyncio.sleep(pause)

    async def yield_turn(self, error: BaseException | None = None) -> None:
        """Wait a little after another writer was faster, or raise if that happened too often."""
        self._turns += 1
        bound = min(self._tuning.longest_pause, 0.002 * 2 ** min(self._turns, 6))
        pause = random.uniform(0, bound)  # noqa: S311  # nothing secret
        if self._turns >= self._tuning.turns or self._is_over_in(pause):
            raise StorageUnavailable(
                f"Cosmos DB at {self._host}: other writers were faster {self._turns} times in a row ({self._operation}). "
                "Let fewer processes write to one session, or try again later."
            ) from error
        await asyncio.sleep(pause)

    def _is_over_in(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() + seconds >= self._ends


async def run(budget: Budget, request: Callable[[], Awaitable[Result]]) -> Result:
    """Send a request that may be repeated without harm until it succeeds or the budget is used up."""
    while True:
        try:
            async with budget.attempt():
                return await request()
        except DRIVER_ERRORS as error:
            await budget.pause(error)
