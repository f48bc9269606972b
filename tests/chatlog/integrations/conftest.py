from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import chatlog
from chatlog import Message, Session, SessionStore
from tests.chatlog.integrations.troubled_store import TroubledStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as opened:
        yield opened


@pytest.fixture
async def troubled(store: SessionStore) -> TroubledStore:
    return TroubledStore(store)


async def the_session(store: SessionStore) -> tuple[Session, list[Message]]:
    """The only session there is, and all it holds."""
    (session,) = (await store.list_sessions()).items
    return session, await store.list_messages(session.session_id, limit=1000)
