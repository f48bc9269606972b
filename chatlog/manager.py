"""The seed design's vocabulary over the same code: for programs that were written against `CosmosDBManager`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chatlog.config import CosmosSettings, StoreSettings, max_throughput_from_env
from chatlog.domain.clock import parse_stored_timestamp, utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.ids import new_message_id
from chatlog.domain.models import MessageDraft, MessageKind, Session, SessionStatus, draft_session
from chatlog.errors import ConfigurationError, InvalidInput, StorageUnavailable
from chatlog.services.tuning import tune_throughput
from chatlog.services.usage import list_days
from chatlog.services.usage_folding import UsageFold
from chatlog.services.usage_range import UsageRange
from chatlog.storage.base import SessionStore
from chatlog.storage.documents import Document, message_as_document, session_to_document
from chatlog.storage.opening import open_store

_PAGE = 1_000


class CosmosDBManager:
    """One session, saved and read by the seed design's method names. New programs use `chatlog.Recorder`.

    The names and meanings stay, the faults do not: saving costs the same however long the session is, a repeated save is
    stored once, and an error is raised, never turned into an empty list. Times without a zone are this machine's.

    Args:
        settings: which store; the environment's (`COSMOSDB_ENDPOINT`, …) if left out.
        store: an open store to use instead; `close()` then leaves it open.
    """

    def __init__(self, settings: StoreSettings | CosmosSettings | None = None, *, store: SessionStore | None = None) -> None:
        if isinstance(settings, CosmosSettings):
            settings = StoreSettings(cosmos=settings)
        self._owns_store = store is None
        self._store = open_store(settings) if store is None else store
        self._session_id: str | None = None

    @property
    def session_id(self) -> str:
        """The session that `initialize` named. Raises `ConfigurationError` before that."""
        if self._session_id is None:
            raise ConfigurationError("CosmosDBManager.initialize(session_id) must be awaited first.")
        return self._session_id

    async def initialize(self, session_id: str) -> None:
        """Connect, and work with that session from now on. Raises a `StorageError` if the store does not answer."""
        self._session_id = session_id
        await self._store.ping()

    async def save_session_info(self, task: str, status: str = "active", participants: Iterable[str] = ()) -> None:
        """Store the session. A second call with the same task changes nothing but the status."""
        await self._store.create_session(draft_session(task=task, session_id=self.session_id, participants=participants))
        if status != SessionStatus.ACTIVE:
            await self.update_session_status(status)

    async def update_session_status(self, status: str, message_count: int | None = None) -> None:  # noqa: ARG002
        """Store the status. `message_count` is the seed's argument and is not needed: the store counts by itself."""
        await self._store.update_session(self.session_id, status=_status(status))

    async def save_message_realtime(self, message_data: Mapping[str, Any], max_retries: int = 3) -> str:
        """Store one remark (`source`, `content`, `timestamp`; `message_id`, `kind`, … if known) and return its document id.

        While the store is unavailable it tries up to `max_retries` times; the remark keeps its id, so it is stored once.
        """
        draft = _draft(message_data)
        for attempt in range(1, max_retries + 1):
            try:
                (message,) = await self._store.append_messages(self.session_id, [draft])
                return str(message_as_document(message)["id"])
            except StorageUnavailable:
                if attempt == max_retries:
                    raise
                await asyncio.sleep(random.uniform(0, 2**attempt))  # noqa: S311  # full jitter; nothing secret
        raise ConfigurationError(f"max_retries={max_retries} leaves no try; it must be 1 or more.")

    async def save_messages_batch(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Store remarks in their order, after those that are there, and return their document ids."""
        stored = await self._store.append_messages(self.session_id, [_draft(data) for data in messages])
        return [str(message_as_document(message)["id"]) for message in stored]

    async def get_session_messages(self) -> list[Document]:
        """All remarks of the session in order, as documents."""
        documents: list[Document] = []
        after = 0
        while page := await self._store.list_messages(self.session_id, after=after, limit=_PAGE):
            documents += map(message_as_document, page)
            after = page[-1].sequence
        return documents

    async def get_all_sessions(self) -> list[Document]:
        """All sessions, newest first, as documents."""
        return [session_to_document(session) for session in await self._list_sessions(EVERYTHING)]

    async def get_recent_sessions(self, hours: float = 1) -> list[Document]:
        """The sessions that began within the last `hours`, newest first, as documents. Raises `InvalidInput`."""
        where = SessionFilter(since=_hours_ago(hours), must_begin_since=True)
        return [session_to_document(session) for session in await self._list_sessions(where)]

    async def get_usage_metrics(self, days: int = 30) -> dict[str, Any]:
        """How much went on in the last `days` days of UTC, today included; at most ten years. In all sessions.

        Returns:
            `total_sessions` that began, `total_messages` that were said, `avg_messages_per_session` (the one by the other;
            `None` without sessions), and `daily`: for each day, in order, `date`, `sessions` and `messages`.
        Raises:
            InvalidInput: a number of days that cannot be.
        """
        stretch = UsageRange.last_days(days, zone=UTC, now=utc_now())
        fold = UsageFold(stretch)
        figures = await list_days(self._store, since=stretch.since, until=stretch.until)
        await asyncio.to_thread(fold.add, figures)
        sessions = [sum(outcomes.values()) for outcomes in fold.outcomes]
        messages = [sum(said.values()) for said in fold.messages]
        return {
            "total_sessions": sum(sessions),
            "total_messages": sum(messages),
            "avg_messages_per_session": sum(messages) / sum(sessions) if any(sessions) else None,
            "daily": [
                {"date": day.isoformat(), "sessions": begun, "messages": said}
                for day, begun, said in zip(stretch.days, sessions, messages, strict=True)
            ],
        }

    async def optimize_throughput(self) -> str:
        """Look once, change the throughput if that is due, and return what was done and why. For a timer: every ten minutes.

        Never above `CHATLOG_MAX_THROUGHPUT`, at most one change in ten minutes. Raises `StorageError`, `ConfigurationError`.
        """
        step = await tune_throughput(self._store, maximum=max_throughput_from_env(), now=utc_now())
        return step.text

    async def close(self) -> None:
        """Finish what is in flight and disconnect."""
        if self._owns_store:
            await self._store.aclose()

    async def _list_sessions(self, where: SessionFilter) -> list[Session]:
        sessions: list[Session] = []
        cursor: str | None = None
        while True:
            page = await self._store.list_sessions(limit=_PAGE, cursor=cursor, where=where)
            sessions += page.items
            cursor = page.next_cursor
            if cursor is None:
                return sessions


def _draft(data: Mapping[str, Any]) -> MessageDraft:
    for field in ("source", "content"):
        if field not in data:
            raise InvalidInput(field, "is missing from the message.")
    return MessageDraft(
        source=data["source"],
        content=data["content"],
        message_id=data.get("message_id") or new_message_id(),
        timestamp=parse_stored_timestamp(data["timestamp"]) if "timestamp" in data else utc_now(),
        kind=data.get("kind", MessageKind.TEXT),
        models_usage=data.get("models_usage"),
        metadata=data.get("metadata") or {},
    )


def _hours_ago(hours: float) -> datetime:
    try:
        if hours >= 0:
            return utc_now() - timedelta(hours=hours)
    except OverflowError as error:
        raise InvalidInput("hours", f"{hours} hours ago is before the year 1; give fewer.") from error
    raise InvalidInput("hours", f"{hours} is no length of time; give a number from 0 on.")


def _status(value: str) -> SessionStatus:
    try:
        return SessionStatus(value)
    except ValueError as error:
        raise InvalidInput("status", f"{value!r} is not one of {', '.join(SessionStatus)}.") from error
