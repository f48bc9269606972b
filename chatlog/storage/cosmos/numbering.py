"""Which number a stored message has.

Ours carry it in their id, and are numbered without a gap. A writer of the seed design counted messages before it saved, so that
several of them left doubles and gaps. Its messages come first, in the order of their stored numbers, and are counted by their
place: for a sound session that is the stored number, for any other one it is a numbering that readers can follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chatlog.storage.cosmos import queries
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.documents import Document, message_document_id


def is_ours(document: Document, session_id: str) -> bool:
    """Whether the document's id holds its number, as chatlog writes it."""
    sequence = document["sequence"]
    return isinstance(sequence, int) and bool(document["id"] == message_document_id(session_id, sequence))


def is_unbroken(documents: Sequence[Document]) -> bool:
    """Whether the stored numbers of a whole session are 1, 2, 3 … as they stand."""
    return all(document["sequence"] == number for number, document in enumerate(documents, 1))


def until_hole(documents: Iterable[Document], *, after: int) -> list[Document]:
    """The documents up to the first number that is missing; behind it lies what a lagging replica has not shown yet."""
    sound: list[Document] = []
    for document in documents:
        if document["sequence"] != after + len(sound) + 1:
            break
        sound.append(document)
    return sound


def renumber(documents: Sequence[Document], session_id: str) -> list[Document]:
    """All documents of a session in reading order, the seed's with the number of their place."""
    ours = [document for document in documents if is_ours(document, session_id)]
    seeds = sorted((document for document in documents if not is_ours(document, session_id)), key=_stored_place)
    return [*({**document, "sequence": number} for number, document in enumerate(seeds, 1)), *ours]


def highest_number(documents: Iterable[Document], session_id: str, *, at_least: int) -> int:
    """The highest number that chatlog gave out among the documents."""
    return max((document["sequence"] for document in documents if is_ours(document, session_id)), default=at_least)


async def find_last_number(calls: Calls, session_id: str) -> int:
    """The number of the last message as readers see it, 0 if there is none."""
    found = await calls.query(queries.last_message(session_id))
    if not found or is_ours(found[0], session_id):
        return int(found[0]["sequence"]) if found else 0
    # A large partition may answer with several part counts, which the SDK adds up for cross-partition queries only.
    return sum(row["messages"] for row in await calls.query(queries.message_count(session_id)))


async def find_places(calls: Calls, session_id: str) -> dict[str, int]:
    """The number of each message of a session as readers see it, by the document's id."""
    rows = await calls.query(queries.speakers(session_id))
    return {row["id"]: row["sequence"] for row in renumber(rows, session_id)}


def _stored_place(document: Document) -> tuple[Any, ...]:
    return document["sequence"], str(document.get("timestamp")), document["id"]
