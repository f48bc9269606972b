"""What every store promises. Services and pages know a store only by this protocol; one contract suite checks them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Protocol, Self

from chatlog.domain.filters import EVERYTHING, SearchQuery, SessionFilter
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus
from chatlog.domain.search import Term
from chatlog.domain.usage import UsageDay


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A part of the list of sessions.

    Attributes:
        items: newest first.
        next_cursor: pass it as `cursor` for the older sessions that come after; `None` at the end.
        previous_cursor: pass it as `cursor` for the newer sessions that come before; `None` at the beginning.
        total: how many sessions the list has in all; `None` where counting would cost a query of its own.
    """

    items: tuple[Session, ...]
    next_cursor: str | None
    previous_cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a search found.

    Attributes:
        sequence: of the remark; 0 for the session's title and task.
        source: who said it; `None` for the title and task.
        text: the whole of it, as it was written.
    """

    session: Session
    sequence: int
    source: str | None
    timestamp: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A part of what a search found.

    Attributes:
        hits: those of one session follow each other, in their order there; the newest sessions first, as far as the store's
            own order of time goes.
        next_cursor: pass it as `cursor` for what comes after; `None` at the end.
    """

    hits: tuple[Hit, ...]
    next_cursor: str | None


class UsageSource(Protocol):
    """Tells how much went on, at a cost that grows with the stretch asked for and not with what is stored outside it."""

    async def list_usage(self, *, since: date, until: date) -> list[UsageDay]:
        """The figures of the UTC days from `since` up to, but not including, `until`, in order.

        Days without anything are left out. What was acknowledged before the call is in them, and what was deleted is not.

        Raises:
            InvalidInput: the stretch is empty, runs backwards, or has more than `limits.MAX_USAGE_DAYS` days.
        """
        ...

    async def list_busiest(self, *, since: datetime, until: datetime, limit: int = 10) -> list[Session]:
        """The sessions that began from `since` up to, but not including, `until`; at most `limit` (1 to 1,000).

        The one with the most messages comes first, of two with as many the newer one.
        """
        ...


class SessionSource(Protocol):
    """Finds a session by its id, and is opened and closed. What readers and writers have in common.

    It opens itself on first use and can be used from several event loops. Every method may raise a `StorageError` besides
    the errors it names, and an `InvalidInput` for arguments out of range.
    """

    async def get_session(self, session_id: str) -> Session:
        """One session. Raises `SessionNotFound`; if it can still be restored, `SessionDeleted`."""
        ...

    async def ping(self) -> None:
        """Return if the store answers. Raises the `StorageError` that says why not."""
        ...

    async def aclose(self) -> None:
        """Finish what is in flight and let go of connections, files and threads. Closing twice is fine."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


class SessionReader(SessionSource, Protocol):
    """Lists sessions, and reads their messages from any place on: enough to follow a discussion, and to take it along."""

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, where: SessionFilter = EVERYTHING
    ) -> SessionPage:
        """Sessions that are not deleted, newest `created_at` first, at most `limit` (1 to 1,000).

        Args:
            cursor: the `next_cursor` or `previous_cursor` of another page under the same filter.
        Raises:
            InvalidCursor: `cursor` was not returned by this method.
        """
        ...

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        """Messages with a sequence above `after`, in order, at most `limit` (1 to 1,000); without a hole among them.

        Raises:
            SessionNotFound: `after` is 0 and there is no such session.
        """
        ...

    async def list_messages_before(self, session_id: str, *, before: int | None = None, limit: int = 200) -> list[Message]:
        """The last messages with a sequence below `before`, or the newest of all; in order, at most `limit` (1 to 1,000).

        Raises:
            SessionNotFound: nothing is found and there is no such session.
        """
        ...

    async def get_last_sequence(self, session_id: str) -> int:
        """The sequence of the newest message, 0 if there is none. Raises `SessionNotFound`."""
        ...

    async def wait_for_change(self, *, at_most: float) -> bool:
        """Wait until anybody, in any process, may have written something; give up after `at_most` seconds.

        A hint: it may come without a reason, and may be missed. A store that cannot know waits the whole time.

        Returns:
            Whether something may have changed.
        """
        ...


class SessionWriter(SessionSource, Protocol):
    """Begins, changes and fills sessions: what a `Recorder` needs, and no more."""

    async def create_session(self, session: Session) -> Session:
        """Store a new session and return it as stored.

        Creating it again with the same id and task returns what is stored.

        Raises:
            SessionExists: the id is taken by a session with another task.
        """
        ...

    async def update_session(
        self,
        session_id: str,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Session:
        """Change what is given, leave the rest, and return the session as it is now.

        Args:
            title: an empty text takes the title away.
        Raises:
            SessionNotFound: there is no such session, or it is deleted.
        """
        ...

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        """Store the drafts after what is there, in their order, and return them as stored, each with its sequence.

        When this returns, every one of them survives a crash and a power cut. A draft whose `message_id` is stored already
        in this session is not stored again; its original message is returned in its place. A store with a queue in front of
        it (`chatlog.client`) may return the sequence 0: the message is safe in the queue, its number comes later.

        Raises:
            SessionNotFound: there is no such session.
            IdempotencyConflict: a `message_id` is stored already with another source or content. Nothing is stored, except on
                Cosmos DB, of a call with more than 100 drafts, whole hundreds before that one.
            ItemTooLarge: a draft is over the 2 MB of an item. Nothing is stored.
            StorageError: some or all may or may not be stored. Send the same drafts again: nothing is doubled.
        """
        ...


class SessionStore(SessionReader, SessionWriter, UsageSource, Protocol):
    """Keeps sessions and their messages, and tells how much went on."""

    async def get_sessions(self, session_ids: Sequence[str]) -> list[Session]:
        """Those of the sessions that are there and not deleted, in the order of the ids; at most 1,000 at once."""
        ...

    async def delete_session(self, session_id: str) -> None:
        """Hide a session at once: from `get_session`, lists and searches. For `limits.UNDO_PERIOD` it can be restored.

        Reading its messages by its id may still work: whoever shows them asks for the session first. What a writer still
        saves into it is stored, and hidden as well. Deleting it again changes nothing.

        Raises:
            SessionNotFound: there is no such session.
        """
        ...

    async def restore_session(self, session_id: str) -> Session:
        """Undo `delete_session`: everything is as before. A session that is not deleted stays as it is.

        Raises:
            SessionNotFound: there is no such session, or not any more.
        """
        ...

    async def purge_deleted(self, *, before: datetime) -> int:
        """Remove for good what was deleted before that time, and return how many sessions that were.

        A store that lets deleted things expire by itself only sees to it that they will.
        """
        ...

    async def recount_session(self, session_id: str) -> Session:
        """Make count, last time and participants agree with the messages stored, as they may not after a writer was killed.

        Raises:
            SessionNotFound: there is no such session.
        """
        ...

    async def search(self, query: SearchQuery, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        """What `query` asks for, in sessions that are not deleted, at most `limit` hits (1 to 1,000). Nothing without terms.

        What was acknowledged before the call is found, however far an index is behind.

        Args:
            cursor: the `next_cursor` of the page before, of the same query.
        Raises:
            InvalidCursor: `cursor` was not returned by this method.
        """
        ...

    async def list_matches(self, session_id: str, terms: Sequence[Term], *, limit: int = 1000) -> list[int]:
        """The sequences of a session's messages in which every term occurs, in order, the first `limit` (1 to 1,000)."""
        ...
