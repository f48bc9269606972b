from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatlog.domain.models import Message
from chatlog.services.recording import NoSignals
from chatlog.services.spans.memory import SpanMemory
from chatlog.services.spans.recording_spans import SpanRecorder, Taken
from chatlog.services.spans.span import Span
from chatlog.storage.base import SessionStore
from chatlog.storage.sqlite.store import SqliteSessionStore


class Receiver:
    """A process that spans are sent to, and what its store has then."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.memory = SpanMemory()

    async def take(self, *spans: Span) -> Taken:
        return await SpanRecorder(self.store, NoSignals(), memory=self.memory).record(spans)

    def another(self) -> Receiver:
        """A process beside it, or the same one after a restart."""
        return Receiver(self.store)

    async def messages(self, session_id: str = "talk") -> list[Message]:
        return await self.store.list_messages(session_id, limit=1_000)

    async def told(self, session_id: str = "talk") -> list[tuple[str, str, str]]:
        """Who said what; of calls and results, which tool."""
        return [(m.source, m.kind, m.content.partition("\n")[0]) for m in await self.messages(session_id)]


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    async with SqliteSessionStore(tmp_path / "chatlog.sqlite3") as store:
        yield Receiver(store)
