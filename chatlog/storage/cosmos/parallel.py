"""Many requests at once, and not too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from chatlog.storage.cosmos.tuning import MOST_AT_ONCE

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each(items: Iterable[Item], do: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """The results for all items, in their order. The first that fails calls the others off."""
    turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def in_turn(item: Item) -> Result:
        async with turns:
            return await do(item)

    tasks = [asyncio.ensure_future(in_turn(item)) for item in items]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:  # raised again below
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
