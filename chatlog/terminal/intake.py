"""From lines to stored remarks: each is stored before the next ones are read, so that a pipe's writer waits for the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import IO

from chatlog.domain.models import MessageDraft
from chatlog.errors import IdempotencyConflict, InvalidInput
from chatlog.recorder import Recorder
from chatlog.services.persisting import persist
from chatlog.storage.documents import check_drafts_fit
from chatlog.terminal.drafting import Read
from chatlog.terminal.lines import MAX_LINE_BYTES, Line, LineReader

# One save takes this many at most: a transactional batch of Cosmos DB, so that a refusal stores nothing of it.
MAX_BATCH = 100


class Intake:
    """Stores what a recorder's lines say.

    Args:
        read: makes a remark of a line; raises `InvalidInput` for one that cannot be.
        tell: called with a sentence about each line that is left out, and about trouble with the store.
        pass_on: where the bytes go once what they say is stored.
    Attributes:
        stored: how many remarks are.
        left_out: how many lines could not be stored.
    """

    def __init__(
        self, recorder: Recorder, *, read: Read, tell: Callable[[str], None], pass_on: IO[bytes] | None = None
    ) -> None:
        self._recorder = recorder
        self._read = read
        self._tell = tell
        self._pass_on = pass_on
        self._waiting: deque[tuple[int, MessageDraft]] = deque()
        self.stored = 0
        self.left_out = 0

    async def take_all(self, lines: LineReader) -> None:
        """Store every line to the end. Called again after it was stopped, it goes on where it was. Raises `StorageError`."""
        await self._store_waiting()
        while not lines.is_over:
            found, chunk = await lines.read()
            for line in found:
                self._take(line)
            await self._store_waiting()
            self._hand_on(chunk)

    async def store(self, draft: MessageDraft) -> None:
        """Store a remark that is on no line, after those before it. Raises `StorageError`."""
        self._waiting.append((0, draft))
        await self._store_waiting()

    def _take(self, line: Line) -> None:
        if line.data is None:
            self._leave_out(line.number, f"it is longer than {MAX_LINE_BYTES >> 20} MB")
            return
        text = line.data.decode(errors="replace")
        if not text.strip():
            return
        try:
            draft = self._read(text)
            check_drafts_fit([draft], session_id=self._recorder.session_id)
        except InvalidInput as error:
            self._leave_out(line.number, str(error))
        else:
            self._waiting.append((line.number, draft))

    async def _store_waiting(self) -> None:
        most = MAX_BATCH
        while self._waiting:
            batch = list(islice(self._waiting, most))
            save = partial(self._recorder.save_many, [draft for _, draft in batch])
            try:
                await persist(save, tell=self._tell)
            except IdempotencyConflict as error:  # nothing of the batch is stored
                self._drop(batch, error)
            except InvalidInput as error:  # over HTTP, the site or a proxy in front of it may take less than a store does
                most = max(1, len(batch) // 2)
                if len(batch) == 1:
                    self._waiting.popleft()
                    self._leave_out(batch[0][0], str(error))
            else:
                most = MAX_BATCH
                self.stored += len(batch)
                for _ in batch:
                    self._waiting.popleft()

    def _drop(self, batch: list[tuple[int, MessageDraft]], error: IdempotencyConflict) -> None:
        """Leave out the line whose message id is taken; of two such lines, the later one."""
        number, draft = next(entry for entry in reversed(batch) if entry[1].message_id == error.message_id)
        self._waiting.remove((number, draft))
        self._leave_out(number, str(error))

    def _leave_out(self, number: int, reason: str) -> None:
        self.left_out += 1
        self._tell(f"Line {number} was left out: {reason}")

    def _hand_on(self, chunk: bytes) -> None:
        if self._pass_on is None:
            return
        try:
            self._pass_on.write(chunk)
            self._pass_on.flush()
        except OSError as error:  # nobody reads along any more, or a disk is full; what comes is stored all the same
            self._pass_on = None
            if not isinstance(error, BrokenPipeError):
                self._tell(f"What comes is stored, and not passed on any more: {error.strerror}.")
