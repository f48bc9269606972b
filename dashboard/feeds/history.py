"""What viewers with older cursors catch up from. A crowd that comes back costs one read for each block, not for each viewer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from django.utils.translation import gettext as _

from chatlog.storage.base import SessionStore
from dashboard.feeds.pages import PAGE_MESSAGES, Rows, cut_frames, read_rows
from dashboard.feeds.viewer import Frame

KEPT_BLOCKS = 4
SHARED_ROWS = 25


class HistoryGone(LookupError):
    """Messages that were there are not there any more: the store was reset."""


class History:
    """Blocks of 200 messages with fixed borders, so that cursors anywhere in a block share its read and its rendering."""

    def __init__(self, store: SessionStore, session_id: str) -> None:
        self._store = store
        self._session_id = session_id
        self._blocks: OrderedDict[int, _Block] = OrderedDict()

    async def list_frames(self, *, after: int, up_to: int) -> list[Frame]:
        """Frames that lead on from `after`, not beyond `up_to` nor the block. Raises `HistoryGone`, `StorageError`."""
        start = after - after % PAGE_MESSAGES
        block, rows = await self._get_block(start, at_least=min(up_to, start + PAGE_MESSAGES))
        last = min(up_to, rows.last)
        if last <= after:
            values = {"id": self._session_id, "missing": after + 1, "count": up_to}
            raise HistoryGone(_("Session “%(id)s” has no message %(missing)s, though it had %(count)s.") % values)
        return block.list_frames(rows, after=after, up_to=last)

    def forget(self) -> None:
        """Nobody is catching up: keep nothing."""
        self._blocks.clear()

    async def _get_block(self, start: int, *, at_least: int) -> tuple[_Block, Rows]:
        # The second read is for a block that was being read before the messages asked for were stored.
        for _attempt in range(2):
            block = self._reading_block(start, at_least=at_least)
            rows = await asyncio.shield(block.reading)
            if rows.last >= at_least:
                break
        return block, rows

    def _reading_block(self, start: int, *, at_least: int) -> _Block:
        block = self._blocks.get(start)
        if block is None or block.is_short(at_least):
            block = self._blocks[start] = _Block(read_rows(self._store, self._session_id, after=start))
        self._blocks.move_to_end(start)
        if len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return block


class _Block:
    """A read that is under way or done, and the frames that were cut from it."""

    def __init__(self, read: Coroutine[Any, Any, Rows]) -> None:
        self.reading = asyncio.create_task(read)
        # Looked at once, so that an error nobody waits for any more is not reported as forgotten.
        self.reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._frames: dict[tuple[int, int], list[Frame]] = {}

    def list_frames(self, rows: Rows, *, after: int, up_to: int) -> list[Frame]:
        """Cut at fixed borders too: after their first frame, viewers with different cursors share all others."""
        frames: list[Frame] = []
        while after < up_to:
            border = min(up_to, after - after % SHARED_ROWS + SHARED_ROWS)
            if (after, border) not in self._frames:
                self._frames[after, border] = cut_frames(rows, after=after, up_to=border)
            frames += self._frames[after, border]
            after = border
        return frames

    def is_short(self, at_least: int) -> bool:
        task = self.reading
        return task.done() and (task.cancelled() or task.exception() is not None or task.result().last < at_least)
