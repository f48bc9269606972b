"""From documents to what is in them. A document that nobody can read is counted and told once; it never stops the others."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo

from chatlog.errors import ChatlogError
from chatlog.storage.documents import Document
from chatlog.storage.mirror.decoders import DECODERS
from chatlog.storage.mirror.found import Found, FoundRemark, FoundSession

logger = logging.getLogger(__name__)

# Names of fields that every item of the service has, and so tell nothing of its form.
_SYSTEM_FIELDS = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})
_MOST_FIELDS_TOLD = 8
_MOST_KINDS_TOLD = 50


@dataclass(slots=True)
class Reading:
    """What is in some documents.

    Attributes:
        unread: how many of them are in no form that is known, or damaged.
        shortest_ttl: the shortest time to live, in seconds, that one of them gives itself.
    """

    sessions: list[FoundSession] = field(default_factory=list)
    remarks: list[FoundRemark] = field(default_factory=list)
    unread: int = 0
    shortest_ttl: int | None = None


class DocumentReader:
    """Reads documents, and remembers of which kinds it has said already that it cannot."""

    def __init__(self, *, container: str, naive_zone: tzinfo | None) -> None:
        self._container = container
        self._naive_zone = naive_zone
        self._told: set[str] = set()

    def read(self, documents: Iterable[Document]) -> Reading:
        """What is in the documents, in their order."""
        reading = Reading()
        for document in documents:
            found = self._decode(document)
            if found is None:
                reading.unread += 1
                continue
            if found.session is not None:
                reading.sessions.append(found.session)
            if found.remark is not None:
                reading.remarks.append(found.remark)
            ttl = document.get("ttl")
            if isinstance(ttl, int) and ttl > 0:
                reading.shortest_ttl = min(ttl, reading.shortest_ttl or ttl)
        return reading

    def _decode(self, document: Document) -> Found | None:
        try:
            for decode in DECODERS:
                if (found := decode(document, self._naive_zone)) is not None:
                    return found
        except (ChatlogError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            # Whatever is wrong with what somebody else wrote: the kind of error is told, and never its text, which may quote.
            self._tell(document, f"has a known form, and cannot be read ({type(error).__name__})")
            return None
        self._tell(document, "has a form that no decoder knows")
        return None

    def _tell(self, document: Document, complaint: str) -> None:
        fields = sorted(name for name in document if name not in _SYSTEM_FIELDS)
        kind = f"{complaint}: {', '.join(fields[:_MOST_FIELDS_TOLD])}"
        if kind in self._told or len(self._told) >= _MOST_KINDS_TOLD:
            return
        self._told.add(kind)
        logger.warning(
            "The container %s: the document %r %s. Such documents are left out and counted; this is told once for each kind.",
            *(self._container, document.get("id"), kind),
        )
