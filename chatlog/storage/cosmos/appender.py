"""Giving out numbers: the document id holds the number, so the database's own uniqueness hands it out.

Creating `…_msg_0007` either takes number 7 or fails. A number is never skipped, and after any failure the appender looks first
what is stored before it sends again. A request that is still under way then can do no harm: it would take the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo

from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import IdempotencyConflict
from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.errors import CONFLICT, DRIVER_ERRORS, status_of
from chatlog.storage.cosmos.numbering import find_last_number, highest_number
from chatlog.storage.cosmos.retrying import Budget
from chatlog.storage.cosmos.saves import Part, Save, plan
from chatlog.storage.cosmos.session_record import SessionRecord
from chatlog.storage.cosmos.tuning import MAX_BATCH_OPERATIONS
from chatlog.storage.documents import message_from_document, message_to_document

Stored = dict[str, Message]
Refused = dict[Save, IdempotencyConflict]


class Appender:
    """Stores messages behind the last one of a session. Not to be used by two tasks at once.

    Args:
        record: the session's document, told of every message stored.
        last_number: the number of the newest message; `None` has it looked up before the first save.
        must_look_first: whether drafts need a look at what is stored before their first attempt already.
    """

    def __init__(
        self,
        calls: Calls,
        record: SessionRecord,
        session_id: str,
        *,
        last_number: int | None,
        must_look_first: Callable[[Sequence[MessageDraft]], bool],
        naive_zone: tzinfo | None,
    ) -> None:
        self._calls = calls
        self._record = record
        self._session_id = session_id
        self._last_number = last_number
        self._must_look_first = must_look_first
        self._naive_zone = naive_zone
        self._is_sure = True

    async def append(self, work: Sequence[tuple[Save, Part]]) -> tuple[Stored, Refused]:
        """Store the parts with as few requests as it takes: one, if nobody else writes and nothing fails.

        Returns:
            The stored message of each draft by its id, and the saves of which nothing was stored, each with the reason.
        Raises:
            SessionNotFound: there is no such session.
            StorageError: some, all or none may be stored; the next call looks first.
        """
        drafts = [draft for _, part in work for draft in part.drafts]
        stored: Stored = {}
        created: Stored = {}
        await self._find_end()
        budget = self._calls.budget("save messages")
        must_look = not self._is_sure or self._must_look_first(drafts)
        while True:
            self._is_sure = False
            try:
                if must_look:
                    stored |= await self._look(drafts, budget)
                missing, refused = plan(work, stored, self._session_id)
                if missing:
                    created = await self._create(missing, budget)
            except DRIVER_ERRORS as error:
                must_look = True
                await (budget.yield_turn(error) if status_of(error) == CONFLICT else budget.pause(error))
            else:
                self._is_sure = True
                self._record.note((stored | created).values(), new_ids=created)
                return stored | created, refused

    async def find_stored(self, drafts: Sequence[MessageDraft]) -> Stored:
        """Those of the drafts that are stored already, by their ids."""
        await self._find_end()
        budget = self._calls.budget("look for messages")
        stored: Stored = {}
        for start in range(0, len(drafts), MAX_BATCH_OPERATIONS):
            hundred = drafts[start : start + MAX_BATCH_OPERATIONS]
            while True:
                try:
                    stored |= await self._look(hundred, budget)
                    break
                except DRIVER_ERRORS as error:
                    await budget.pause(error)
        return stored

    async def _find_end(self) -> None:
        if self._last_number is None:
            await self._record.check_exists()
            self._last_number = await find_last_number(self._calls, self._session_id)

    async def _look(self, drafts: Sequence[MessageDraft], budget: Budget) -> Stored:
        """One query tells both: which drafts are stored, and which numbers are taken."""
        assert self._last_number is not None
        wanted = list(dict.fromkeys(draft.message_id for draft in drafts))
        query = queries.own_messages(self._session_id, wanted, sequence=self._last_number + 1)
        rows = await self._calls.query_once(query, budget=budget)
        self._last_number = highest_number(rows, self._session_id, at_least=self._last_number)
        own = [row for row in rows if row.get("message_id") in set(wanted)]
        return {row["message_id"]: message_from_document(row, naive_zone=self._naive_zone) for row in own}

    async def _create(self, drafts: Sequence[MessageDraft], budget: Budget) -> Stored:
        assert self._last_number is not None
        numbered = list(enumerate(drafts, self._last_number + 1))
        documents = [message_to_document(draft, session_id=self._session_id, sequence=number) for number, draft in numbered]
        if len(documents) == 1:
            await self._calls.create(documents[0], budget=budget)
        else:
            await self._calls.create_all(documents, partition=self._session_id, budget=budget)
        self._last_number = numbered[-1][0]
        messages = [Message.from_draft(draft, session_id=self._session_id, sequence=number) for number, draft in numbered]
        return {message.message_id: message for message in messages}
