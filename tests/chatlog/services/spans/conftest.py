from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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

    async def take_behind(self, *spans: Span, meanwhile: Span) -> Taken:
        """Take spans while another process stores one, after this one has looked at what is there."""
        append = self.store.append_messages

        async def append_behind(*arguments: Any) -> list[Message]:
            self.store.append_messages = append  # type: ignore[method-assign]
            await self.another().take(meanwhile)
            return await append(*arguments)

        self.store.append_messages = append_behind  # type: ignore[method-assign]
        return await self.take(*spans)

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
