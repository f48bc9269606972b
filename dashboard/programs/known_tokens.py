"""Tokens that were looked up a moment ago: a program that sends a hundred requests a second asks the database once in two."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from channels.db import database_sync_to_async

from dashboard.per_loop import PerLoop
from dashboard.programs.tokens import Grant, find_grants, hash_token, looks_like_token

# A revoked token is refused within five seconds, by requests and by open streams.
KNOWN_SECONDS = 2.0
# Made-up tokens must not fill the memory; each costs a query of its own anyway.
MOST_KNOWN = 1_000

_find_grants = database_sync_to_async(find_grants)


class KnownTokens:
    """Hashes are kept, not tokens: what is in memory cannot be used either."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, asyncio.Task[Grant | None]]] = OrderedDict()

    async def find(self, text: str) -> Grant | None:
        """What the token allows, or `None` for one that is unknown, over or revoked. Raises `DatabaseError`."""
        return await self.find_by_hash(hash_token(text)) if looks_like_token(text) else None

    def recall(self, text: str) -> Grant | None:
        """What the token allows, if that need not be looked up; `None` says nothing."""
        asked_at, lookup = self._known.get(hash_token(text), (0.0, None))
        if lookup is None or _is_old(asked_at) or not lookup.done() or _has_failed(lookup):
            return None
        return lookup.result()

    async def find_by_hash(self, token_hash: str) -> Grant | None:
        """The same by the token's hash, for whoever has to ask again later. Raises `DatabaseError`."""
        asked_at, lookup = self._known.get(token_hash, (0.0, None))
        if lookup is None or _is_old(asked_at) or _has_failed(lookup):
            lookup = asyncio.create_task(_look_up(token_hash))
            self._known[token_hash] = (time.monotonic(), lookup)
            self._known.move_to_end(token_hash)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        # Shielded: the first of several who ask may go away, the others still want to know.
        return await asyncio.shield(lookup)


async def _look_up(token_hash: str) -> Grant | None:
    return (await _find_grants([token_hash])).get(token_hash)


def _is_old(asked_at: float) -> bool:
    return time.monotonic() - asked_at > KNOWN_SECONDS


def _has_failed(lookup: asyncio.Task[Grant | None]) -> bool:
    return lookup.done() and (lookup.cancelled() or lookup.exception() is not None)


current: PerLoop[KnownTokens] = PerLoop(KnownTokens)
