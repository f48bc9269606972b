"""Stand-ins: a store in memory whose every answer can be delayed or refused, and a page that keeps what it was sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from chatlog.domain.models import Message, Session
from chatlog.errors import SessionNotFound, StorageUnavailable
from dashboard.feeds.viewer import Viewer
from tests.factories import make_message, make_session

_ROW = re.compile(r'\bid="message-(\d+)"')


class MemoryStore:
    """One session in memory. `before_answer` is awaited between looking and answering, `fault` is raised instead."""

    def __init__(self, *, messages: int = 0, content: str = "Hello") -> None:
        self.session: Session = make_session(session_id="session_of_memory")
        self.messages: list[Message] = []
        self.content = content
        self.reads = 0
        self.fault: Exception | None = None
        self.before_answer: Callable[[], Awaitable[None]] = _at_once
        self.changed = asyncio.Event()
        for _ in range(messages):
            self.say()

    def say(self, content: str | None = None) -> Message:
        message = make_message(
            session_id=self.session.session_id, sequence=len(self.messages) + 1, content=content or self.content
        )
        self.messages.append(message)
        self.session = replace(self.session, message_count=len(self.messages), last_message_at=message.timestamp)
        return message

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        self.reads += 1
        found = self.messages[after : after + limit]
        await self._answer(session_id)
        return found

    async def list_messages_before(self, session_id: str, *, before: int | None = None, limit: int = 200) -> list[Message]:
        self.reads += 1
        found = self.messages[: None if before is None else before - 1][-limit:]
        await self._answer(session_id)
        return found

    async def get_last_sequence(self, session_id: str) -> int:
        last = len(self.messages)
        await self._answer(session_id)
        return last

    async def get_session(self, session_id: str) -> Session:
        session = self.session
        await self._answer(session_id)
        return session

    async def wait_for_change(self, *, at_most: float) -> bool:
        try:
            async with asyncio.timeout(at_most):
                await self.changed.wait()
        except TimeoutError:
            return False
        self.changed.clear()
        return True

    async def ping(self) -> None:
        await self._answer(self.session.session_id)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _answer(self, session_id: str) -> None:
        await self.before_answer()
        if self.fault is not None:
            raise self.fault
        if session_id != self.session.session_id:
            raise SessionNotFound(session_id)


class Page:
    """What a browser would have: the sequences it was shown, in order, the other frames, and how it was closed."""

    def __init__(self, *, cursor: int = 0, pause: Callable[[], Awaitable[None]] | None = None) -> None:
        self.shown: list[int] = []
        self.other: list[str] = []
        self.bytes = 0
        self.closed: tuple[int, str] | None = None
        self.changed = asyncio.Event()
        self._pause = pause or _at_once
        self.first = cursor + 1
        self.viewer = Viewer(send=self._send, close=self._close, cursor=cursor)

    async def until(self, condition: Callable[[], Any], *, at_most: float = 5.0) -> None:
        async with asyncio.timeout(at_most):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def is_up_to(self, last: int) -> bool:
        return self.first > last or last in self.shown

    async def until_shown(self, sequence: int, *, at_most: float = 5.0) -> None:
        await self.until(lambda: self.shown and self.shown[-1] >= sequence, at_most=at_most)

    def assert_complete(self, last: int) -> None:
        assert self.shown == list(range(self.first, last + 1))

    async def _send(self, message: dict[str, Any]) -> None:
        await self._pause()
        rows = [int(number) for number in _ROW.findall(message["text"])]
        self.shown.extend(rows)
        self.bytes += len(message["text"].encode())
        if not rows:
            self.other.append(message["text"])
        self.changed.set()

    async def _close(self, code: int, text: str) -> None:
        self.closed = (code, text)
        self.changed.set()


async def _at_once() -> None:
    """No delay."""


class AwayStore:
    """A store that does not answer, whatever it is asked."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def fail(*_: Any, **__: Any) -> None:
            raise StorageUnavailable("The disk is asleep.")

        return fail
