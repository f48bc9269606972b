"""The one writer of a session in a process: queues saves and stores all that wait with one request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from chatlog.domain.charges import Charges, collect_charges
from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import StorageError, StorageUnavailable
from chatlog.storage.cosmos.appender import Appender
from chatlog.storage.cosmos.saves import Part, Save, new_save, plan
from chatlog.storage.cosmos.session_record import SessionRecord

Work = list[tuple[Save, Part]]


class SessionWriter:
    """Saves messages of one session, in the order of the calls.

    Attributes:
        charges: what all its saves have cost.

    Writing goes on in a task of the writer: a caller that is cancelled stops waiting, and never leaves a write half known.
    """

    def __init__(self, appender: Appender, record: SessionRecord, session_id: str) -> None:
        self.record = record
        self._appender = appender
        self.charges = Charges()
        self._session_id = session_id
        self._waiting: deque[Save] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is left to bring up to date."""
        return self._task is None and not self.record.is_behind

    @property
    def waiting(self) -> int:
        """Saves that have not been begun."""
        return len(self._waiting)

    async def save(self, drafts: Sequence[MessageDraft]) -> list[Message]:
        """Store the drafts; see `SessionStore.append_messages`."""
        save = new_save(self._session_id, drafts)
        self._waiting.append(save)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name=f"chatlog-writer-{self._session_id}")
        return await save.caller

    async def finish(self) -> None:
        """Do what is under way, and bring the session's document up to date."""
        if self._task is not None:
            await self._task
        if self.record.is_behind:
            await self.catch_up()

    async def catch_up(self) -> bool:
        """Bring the session's document up to date, and return whether that is done with."""
        with collect_charges(self.charges):
            return await self.record.catch_up()

    async def _work(self) -> None:
        work: Work = []
        try:
            with collect_charges(self.charges):
                while work := self._take():
                    await self._attend(work)
        finally:
            self._task = None
            for save in (*(save for save, _ in work), *self._waiting):  # none, unless this task was cancelled
                save.caller.cancel()

    def _take(self) -> Work:
        """The next request's worth: all saves at the front that fit one request whole, or a part of a larger one."""
        work: Work = []
        total = Part((), 0)
        while self._waiting:
            save = self._waiting[0]
            if _is_over(save):
                self._waiting.popleft()
                continue
            if work and (len(save.parts) > 1 or not total.has_room_for(save.parts[0])):
                break
            part = save.parts.popleft()
            work.append((save, part))
            total += part
            if save.parts:
                break
            self._waiting.popleft()
        return work

    async def _attend(self, work: Work) -> None:
        try:
            await self._store(work)
        except StorageUnavailable as error:
            # Those who waited behind it waited as long; they would only find the same.
            _fail([*(save for save, _ in work), *self._waiting], error)
        except Exception as error:  # it is handed to each caller; the writer must live on
            _fail([save for save, _ in work], error)

    async def _store(self, work: Work) -> None:
        save, part = work[0]
        if save.parts and not save.stored:
            await self._check_whole(save, part)
        stored, refused = await self._appender.append(work)
        for save, part in work:
            if save in refused:
                _fail([save], refused[save])
                continue
            save.stored += [stored[draft.message_id] for draft in part.drafts]
            if not save.parts and not save.caller.done():
                save.caller.set_result(save.stored)

    async def _check_whole(self, save: Save, first: Part) -> None:
        """Find a conflict anywhere in a save that needs several requests before any of it is stored."""
        parts = [first, *save.parts]
        stored = await self._appender.find_stored([draft for part in parts for draft in part.drafts])
        _, refused = plan([(save, part) for part in parts], stored, self._session_id)
        if save in refused:
            raise refused[save]


def _is_over(save: Save) -> bool:
    """Whether nothing more is to be stored of it: it failed, or was cancelled before any of it was. What is begun is ended."""
    return save.caller.done() and not (save.caller.cancelled() and save.stored)


def _fail(saves: Iterable[Save], error: Exception) -> None:
    for save in saves:
        if not save.caller.done():
            save.caller.set_exception(error.own_copy() if isinstance(error, StorageError) else error)
