"""Saving over HTTP: at once where nothing waits and the site answers, else through the queue, behind everything that waits."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from chatlog.client import wire
from chatlog.client.entries import Entry, EntryKind, QueueLimits
from chatlog.client.outbox import Outbox
from chatlog.client.problems import Away, Refusal, TokenRefused
from chatlog.client.sender import Sender
from chatlog.client.site import Site
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus
from chatlog.errors import ItemTooLarge, SessionExists, StorageDenied, StorageFull, StorageUnavailable

Result = TypeVar("Result")

ROOM_SECONDS = 0.1
# How many sessions are remembered, so that they can be continued while the site is away.
MOST_KNOWN_SESSIONS = 1_000


class Saver:
    """What a remote store does to write. It lives in the store's own event loop."""

    def __init__(self, site: Site, outbox: Outbox, sender: Sender, limits: QueueLimits) -> None:
        self._site = site
        self._outbox = outbox
        self._sender = sender
        self._limits = limits
        self._known: OrderedDict[str, Session] = OrderedDict()

    async def create_session(self, session: Session) -> Session:
        """Begin a session, here or there."""
        session_id, body = session.session_id, wire.encode_session(session)
        stored = await self._try_now(session_id, lambda: self._site.begin_session(session_id, body=body), begins=True)
        if stored is None:
            await self._put([Entry(session_id=session_id, kind=EntryKind.BEGIN, body=body)], view=session)
        return self._remember(stored or session)

    async def get_session(self, session_id: str) -> Session:
        """A session as the site has it, or as it looks from here if the site does not have it yet or does not answer."""
        if self._outbox.is_begin_waiting(session_id):
            return self._look_here(session_id)
        try:
            return self._remember(await self._ask_for_session(session_id))
        except Refusal as refusal:
            raise refusal.as_error(session_id=session_id) from refusal
        except Away as error:
            return self._look_here(session_id, reason=str(error))

    async def _ask_for_session(self, session_id: str) -> Session:
        try:
            return await self._site.get_session(session_id)
        except TokenRefused:
            raise
        except StorageDenied:  # a token that may only write is answered what a session is like when it changes nothing of it
            return await self._site.change_session(session_id, body=wire.encode_change(status=None, title=None, tags=None))

    async def update_session(
        self, session_id: str, *, status: SessionStatus | None, title: str | None, tags: tuple[str, ...] | None
    ) -> Session:
        """Change a session, here or there."""
        body = wire.encode_change(status=status, title=title, tags=tags)
        changed = await self._try_now(session_id, lambda: self._site.change_session(session_id, body=body))
        if changed is None:
            before = self._look_here(session_id)
            changed = dataclasses.replace(
                before,
                status=before.status if status is None else status,
                title=before.title if title is None else title or None,
                tags=before.tags if tags is None else tags,
                updated_at=utc_now(),
            )
            await self._put([Entry(session_id=session_id, kind=EntryKind.CHANGE, body=body)], view=changed)
        return self._remember(changed)

    async def delete_session(self, session_id: str) -> None:
        """Delete a session there, now or not at all."""
        try:
            await self._site.delete_session(session_id)
        except Refusal as refusal:
            raise refusal.as_error(session_id=session_id) from refusal
        self._known.pop(session_id, None)

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        """Append messages, here or there, in lists of as many as one call takes."""
        messages: list[Message] = []
        for some, entries in _split(session_id, drafts):
            sequences = await self._append(session_id, entries)
            pairs = zip(some, sequences, strict=True)
            messages += [Message.from_draft(draft, session_id=session_id, sequence=sequence) for draft, sequence in pairs]
        return messages

    async def _append(self, session_id: str, entries: Sequence[Entry]) -> list[int]:
        try:
            return await self._append_list(session_id, entries)
        except ItemTooLarge:
            if len(entries) == 1:
                raise
        half = len(entries) // 2  # a proxy in front of the site may take shorter lists than the site
        return [*await self._append(session_id, entries[:half]), *await self._append(session_id, entries[half:])]

    async def _append_list(self, session_id: str, entries: Sequence[Entry]) -> list[int]:
        bodies = [entry.body for entry in entries]
        message_ids = [entry.message_id or "" for entry in entries]
        sequences = await self._try_now(
            session_id, lambda: self._site.send_messages(session_id, bodies=bodies, message_ids=message_ids)
        )
        if sequences is None:
            await self._put(entries, view=self._find_here(session_id))
        return sequences or [0] * len(entries)

    async def _try_now(self, session_id: str, send: Callable[[], Awaitable[Result]], *, begins: bool = False) -> Result | None:
        """The site's answer; `None` if it has to wait, for the site to come back or behind what waits already."""
        if self._outbox.is_waiting() and not await self._sender.catch_up(session_id):
            return None
        if not begins and self._outbox.is_begin_refused(session_id):
            raise SessionExists(session_id)  # what is said in it would end up in somebody else's session of the same id
        try:
            return await send()
        except (Away, TokenRefused):
            return None
        except Refusal as refusal:
            raise refusal.as_error(session_id=session_id) from refusal

    async def _put(self, entries: Sequence[Entry], *, view: Session | None) -> None:
        """Into the queue, as soon as there is room. Raises `StorageFull`."""
        deadline = time.monotonic() + self._limits.full_seconds
        while not self._outbox.put(entries, view=view):  # another process may be the one that makes room
            if time.monotonic() >= deadline:
                raise self._full()
            await asyncio.sleep(ROOM_SECONDS)
        self._sender.wake()

    def _full(self) -> StorageFull:
        backlog = self._outbox.count()
        refused = f", {backlog.refused:,} of them refused (see list_refused())" if backlog.refused else ""
        return StorageFull(
            f"The queue {self._outbox.path} is full: it holds {backlog.waiting + backlog.refused:,} remarks and changes with "
            f"{backlog.waiting_bytes + backlog.refused_bytes:,} bytes{refused}; the limits are {self._limits.entries:,} and "
            f"{self._limits.size:,}, and there was no room for {self._limits.full_seconds:g} s. Send the same again when "
            f"{self._site.name} answers, or raise the limits."
        )

    def _look_here(self, session_id: str, *, reason: str = "") -> Session:
        """A session as it looks from here. Raises `StorageUnavailable` for one that nothing is known of."""
        found = self._find_here(session_id)
        if found is None:
            raise StorageUnavailable(
                f"{reason or f'{self._site.name} does not answer.'} Nothing is known here of session {session_id!r}. To record "
                "in it now, give its task as well as its id: once the site answers, it is the one that is there."
            )
        return found

    def _find_here(self, session_id: str) -> Session | None:
        return self._outbox.find_view(session_id) or self._known.get(session_id)

    def _remember(self, session: Session) -> Session:
        self._known[session.session_id] = session
        self._known.move_to_end(session.session_id)
        if len(self._known) > MOST_KNOWN_SESSIONS:
            self._known.popitem(last=False)
        return session


def _split(session_id: str, drafts: Sequence[MessageDraft]) -> Iterator[tuple[list[MessageDraft], list[Entry]]]:
    """The drafts, in their order, in lists that one call takes; encoded when their turn comes."""
    some: list[MessageDraft] = []
    entries: list[Entry] = []
    size = 2  # of the brackets
    for draft in drafts:
        body = wire.encode_draft(draft)
        entry = Entry(session_id=session_id, kind=EntryKind.MESSAGE, body=body, message_id=draft.message_id)
        if entries and (len(entries) == wire.MAX_MESSAGES or size + entry.size > wire.MAX_BODY_BYTES):
            yield some, entries
            some, entries, size = [], [], 2
        some.append(draft)
        entries.append(entry)
        size += entry.size
    if entries:
        yield some, entries
