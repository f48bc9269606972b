"""The discussions that searching, browsing and figures are measured with: made up, the same in every run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import chatlog
from dashboard.demo.history import PastDiscussion, list_history

SESSIONS = 10_000
MESSAGES = 200_000
UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
_AT_ONCE = 64


async def fill(path: Path, more: Iterable[PastDiscussion] = ()) -> None:
    """Store them all, and `more`."""
    await store_all(path, [*more, *list_history(sessions=SESSIONS, messages=MESSAGES, seed=1, until=UNTIL)])


async def store_all(path: Path, discussions: Iterable[PastDiscussion]) -> None:
    """Store what is given, in a new file or one that is there."""
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        waiting = []
        for discussion in discussions:
            waiting.append(_store(store, discussion))
            if len(waiting) == _AT_ONCE:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)


async def _store(store: chatlog.SessionStore, discussion: PastDiscussion) -> None:
    await store.create_session(discussion.session)
    await store.append_messages(discussion.session.session_id, discussion.drafts)
