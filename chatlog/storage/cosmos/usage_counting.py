"""Counting days from what is stored: slim rows of the sessions that began then, and of what was said then.

One damaged document does not take the figures of everything else with it: it is left out, and the log names it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta, tzinfo

from chatlog.domain.models import Message, Session
from chatlog.domain.usage import UsageDay, UsageTally
from chatlog.errors import StorageCorrupt
from chatlog.storage.cosmos import usage_queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.tuning import MOST_NAMED_SESSIONS
from chatlog.storage.documents import Document, message_from_document, session_from_document

logger = logging.getLogger(__name__)


# A few hundred bytes each, which are in memory together. More come only if they are of so few days.
MOST_ROWS = 10_000
FEW_DAYS = 10


async def count_days(calls: Calls, *, since: date, until: date, naive_zone: tzinfo | None) -> list[UsageDay] | None:
    """The figures of the UTC days from `since` up to, but not including, `until`, empty ones as well.

    `None` if there is too much for one time: halve the stretch.
    """
    first, end = usage_queries.start_of(since), usage_queries.start_of(until)
    is_bounded = (until - since).days > FEW_DAYS

    def is_too_much(rows: Sequence[Document]) -> bool:
        return is_bounded and len(rows) > MOST_ROWS

    begun, said = await each(
        (usage_queries.begun(first, end, naive_zone=naive_zone), usage_queries.said(first, end, naive_zone=naive_zone)),
        lambda query: calls.query(query, is_enough=is_too_much),
    )
    if is_too_much(begun) or is_too_much(said):
        return None
    count = _Count(since, until, naive_zone)
    for row in begun:
        count.add_session(row)
    present = await _find_present(calls, begun, said)
    for row in said:
        if row.get("session_id") in present:
            count.add_message(row)
    return count.close()


def read_begun(row: Document, naive_zone: tzinfo | None) -> Session:
    """What a row of `usage_queries.begun` tells of a session. Raises `StorageCorrupt`."""
    return session_from_document({**row, "id": row["session_id"], "task": ""}, naive_zone=naive_zone)


async def _find_present(calls: Calls, begun: Sequence[Document], said: Sequence[Document]) -> set[str]:
    """The sessions of the messages that are there and not deleted. Most began then; only of the others it is asked."""
    present = {row["session_id"] for row in begun}
    others = sorted({row["session_id"] for row in said if isinstance(row.get("session_id"), str)} - present)
    slices = [others[start : start + MOST_NAMED_SESSIONS] for start in range(0, len(others), MOST_NAMED_SESSIONS)]
    for rows in await each(slices, lambda session_ids: calls.query(usage_queries.present(session_ids))):
        present.update(row["session_id"] for row in rows)
    return present


class _Count:
    """The tallies of some days, and what could not be counted."""

    def __init__(self, since: date, until: date, naive_zone: tzinfo | None) -> None:
        days = (since + timedelta(days=number) for number in range((until - since).days))
        self._tallies = {day: UsageTally(day) for day in days}
        self._naive_zone = naive_zone
        self._damaged: list[str] = []

    def add_session(self, row: Document) -> None:
        try:
            session = read_begun(row, self._naive_zone)
        except StorageCorrupt as error:
            self._damaged.append(str(error))
            return
        if tally := self._tallies.get(session.created_at.date()):
            tally.add_session(created_at=session.created_at, status=session.status, participants=session.participants)

    def add_message(self, row: Document) -> None:
        try:
            message, letters = self._message(row), _letters(row)
        except StorageCorrupt as error:
            self._damaged.append(str(error))
            return
        if tally := self._tallies.get(message.timestamp.date()):
            usage = message.models_usage if isinstance(message.models_usage, dict) else None
            tally.add_message(timestamp=message.timestamp, source=message.source, letters=letters, models_usage=usage)

    def close(self) -> list[UsageDay]:
        if self._damaged:
            logger.warning("%d items are left out of the figures of use. %s", len(self._damaged), self._damaged[0])
        return [tally.close() or UsageDay(day) for day, tally in self._tallies.items()]

    def _message(self, row: Document) -> Message:
        document = {**row, "id": f"{row['session_id']}_msg_…", "sequence": 1, "content": ""}
        return message_from_document(document, naive_zone=self._naive_zone)


def _letters(row: Document) -> int:
    """The length of a message, or of its text, where none is stored."""
    value = row.get("letters")
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int) and value >= 0:
        return value
    raise StorageCorrupt(f"A message of {row['source']!r} in {row['session_id']!r} has no text. Correct it, or delete it.")
