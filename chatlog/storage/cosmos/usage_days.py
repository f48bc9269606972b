"""The documents in which finished days are kept: all in one partition, each with its figures as one text.

A text costs little to store in any container: the figures are not for the index. Whoever finds that a day has changed puts a
void document in its place. Whoever has counted a day keeps it only if its document, or its absence, is still as it was before
the counting; so nobody keeps a day that has changed meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import date, timedelta

from chatlog.domain import limits
from chatlog.domain.usage import UsageDay
from chatlog.storage.cosmos import usage_queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.parallel import each
from chatlog.storage.cosmos.usage_mark import PARTITION
from chatlog.storage.documents import Document, encoded_size
from chatlog.storage.usage_documents import usage_day_from_document, usage_day_to_document

logger = logging.getLogger(__name__)

_VOID = ""


async def read_days(calls: Calls, *, since: date, until: date) -> dict[date, Document]:
    """The documents of the days from `since` up to, but not including, `until`, void ones as well."""
    rows = await calls.query(usage_queries.kept_days(PARTITION, since=since, until=until))
    documents = {row["id"]: row for row in rows}
    days = (since + timedelta(days=number) for number in range((until - since).days))
    return {day: documents[_id(day)] for day in days if _id(day) in documents}


def figures_in(document: Document, *, era: str) -> UsageDay | None:
    """The figures of a kept day; `None` if it is void, of another era or form, or damaged."""
    if document.get("era") != era or document["era"] == _VOID:
        return None
    try:
        figures = usage_day_from_document(json.loads(document["content"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return figures if figures is not None and _id(figures.day) == document["id"] else None


async def keep_day(calls: Calls, figures: UsageDay, *, era: str, before: Document | None) -> None:
    """Keep a day, unless something has happened to its document since it was read as `before`, or was not there."""
    content = json.dumps(usage_day_to_document(figures), ensure_ascii=False, separators=(",", ":"))
    document = _document(figures.day, era=era, content=content)
    if (size := encoded_size(document)) > limits.MAX_ITEM_BYTES:
        complaint = "The figures of %s are not kept: they take %d bytes, and an item has room for %d."
        logger.warning(complaint, figures.day, size, limits.MAX_ITEM_BYTES)
    elif before is None:
        await calls.create_unless_there(document)
    else:
        await calls.patch(before, values={"era": era, "content": content})


async def forget_days(calls: Calls, days: Iterable[date]) -> None:
    """Make the days void, be they kept or not: somebody may be counting them just now."""
    await each(sorted(days), lambda day: calls.put(_document(day, era=_VOID, content="")))


def _id(day: date) -> str:
    return f"usage_day_{day.isoformat()}"


def _document(day: date, *, era: str, content: str) -> Document:
    return {
        "id": _id(day),
        "session_id": PARTITION,
        "message_id": _id(day),
        "type": "usage_day",
        "day": day.isoformat(),
        "era": era,
        "content": content,
    }
