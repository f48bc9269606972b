"""From stored messages to frames: reading on without a hole, rendering each row once, cutting frames to a size."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from chatlog.domain.models import Message
from chatlog.services.browsing import without_hole
from chatlog.storage.base import SessionStore
from dashboard import fragments
from dashboard.feeds.viewer import Frame, make_frame

PAGE_MESSAGES = 200
FRAME_BYTES = 64 * 1024
# A store that has not answered by now is in trouble, and whoever watches is told so.
READ_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Rendered messages that follow each other. `first` is the sequence of the first row."""

    first: int
    html: tuple[str, ...]
    last_message: Message | None

    @property
    def last(self) -> int:
        return self.first + len(self.html) - 1


async def read_rows(store: SessionStore, session_id: str, *, after: int, previous: Message | None = None) -> Rows:
    """The rows after a cursor, as many as a page holds. Without `previous`, the message before them is read along."""
    known = previous is not None or after == 0
    async with asyncio.timeout(READ_SECONDS):
        found = await store.list_messages(
            session_id, after=after if known else after - 1, limit=PAGE_MESSAGES if known else PAGE_MESSAGES + 1
        )
    if not known and found:
        previous = found.pop(0)
    messages = without_hole(found, after=after)
    html = await fragments.render_rows(messages, previous=previous) if messages else ()
    return Rows(after + 1, tuple(html), messages[-1] if messages else previous)


def cut_frames(rows: Rows, *, after: int, up_to: int) -> list[Frame]:
    """Frames with the rows from `after` + 1 to `up_to`, each of about 64 kB unless a single row is larger."""
    frames: list[Frame] = []
    first, piece, size = after + 1, list[str](), 0
    for sequence, row in enumerate(rows.html[after + 1 - rows.first : up_to + 1 - rows.first], start=after + 1):
        row_size = len(row.encode())
        if piece and size + row_size > FRAME_BYTES:
            frames.append(_frame(piece, first))
            first, piece, size = sequence, [], 0
        piece.append(row)
        size += row_size
    return [*frames, _frame(piece, first)] if piece else frames


def _frame(rows: Sequence[str], first: int) -> Frame:
    last = first + len(rows) - 1
    return make_frame(fragments.messages_frame(rows, first=first, last=last), last=last)
