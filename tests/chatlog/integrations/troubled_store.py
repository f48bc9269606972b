"""A store in front of a real one that fails, refuses and dawdles as a test wants it to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from chatlog import Message, MessageDraft, Session, SessionStore, StorageUnavailable
from chatlog.errors import StorageFull, StorageReadOnly


def raising(error: BaseException) -> Callable[..., None]:
    """What raises that, whenever it is called."""

    def fail(*_: object) -> None:
        raise error

    return fail


def raising_every_second_time(error: BaseException) -> Callable[..., None]:
    """What raises that the first time, the third, and so on."""
    calls = itertools.count()

    def fail(*_: object) -> None:
        if next(calls) % 2 == 0:
            raise error

    return fail


# What a test may do to a store, and what a run beside it must not feel.
TROUBLES: dict[str, Callable[[TroubledStore], None]] = {
    "away": lambda store: setattr(store, "before_create", raising(StorageUnavailable("nobody there"))),
    "slow": lambda store: store.gate.clear(),
    "full": lambda store: setattr(store, "before_append", raising(StorageFull("no room"))),
    "read only": lambda store: setattr(store, "before_append", raising(StorageReadOnly("no"))),
    "broken": lambda store: setattr(store, "before_append", raising(RuntimeError("a bug of its own"))),
    "broken with a cancellation": lambda store: setattr(store, "before_append", raising(asyncio.CancelledError())),
}


class TroubledStore:
    """Passes everything on to `store`; what a test puts before or after a call may raise, and the gate holds up saves."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self.appends = 0
        self.before_append: Callable[[Sequence[MessageDraft]], None] = lambda _: None
        self.after_append: Callable[[], None] = lambda: None
        self.before_create: Callable[[], None] = lambda: None
        self.after_create: Callable[[], None] = lambda: None
        self.before_update: Callable[[], None] = lambda: None
        self.gate = asyncio.Event()
        self.gate.set()

    async def create_session(self, session: Session) -> Session:
        self.before_create()
        created = await self._store.create_session(session)
        self.after_create()
        return created

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        self.appends += 1
        await self.gate.wait()
        self.before_append(drafts)
        messages = await self._store.append_messages(session_id, drafts)
        self.after_append()
        return messages

    async def update_session(self, session_id: str, **changes: Any) -> Session:
        self.before_update()
        return await self._store.update_session(session_id, **changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
