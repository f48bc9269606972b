"""What a decoder finds in another program's document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Protocol

from chatlog.domain.models import MessageDraft, Session
from chatlog.domain.text import replace_unstorable
from chatlog.storage.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRemark:
    """One message document.

    Attributes:
        session_id: as chatlog can carry it; `about` has what the program calls it, if that is not the same.
        order: the form's own number of the message's place in its session: the lowest comes first.
        role: who speaks to whom, in the words of chat models: `user`, `assistant`, `system`, `tool`; empty if it does not say.
        drafts: the remarks in it; a document with a text and two calls has three.
        about: metadata for the session, if it has to be derived.
    """

    session_id: str
    order: int
    role: str = ""
    drafts: tuple[MessageDraft, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A document that tells of a session itself."""

    session: Session
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is in one document; neither, if it is one that a page has no place for."""

    remark: FoundRemark | None = None
    session: FoundSession | None = None


class Decoder(Protocol):
    """Reads the documents of one program."""

    def __call__(self, document: Document, naive_zone: tzinfo | None, /) -> Found | None:
        """What is in the document, or `None` if it has another form. Times that name no zone are meant in `naive_zone`.

        Raises:
            ChatlogError, ValueError, TypeError, LookupError: it has the form by its marks, and cannot be read all the same.
        """
        ...


NOTHING = Found()


def about(**values: object) -> dict[str, str]:
    """Notes for a session's metadata: what there is of these, without characters that no store keeps."""
    return {name: replace_unstorable(str(value)) for name, value in values.items() if value}


def has_texts(document: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether all these fields are there, each a text that is not empty."""
    return all(isinstance(value, str) and value for value in map(document.get, names))
