"""A store that is a site somewhere else, reached over HTTP; a queue on this machine's disk stands in while it is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from chatlog.client.address import SiteAddress, check_token
from chatlog.client.entries import Backlog, QueueLimits, RefusedEntry
from chatlog.client.http import HttpApi
from chatlog.client.outbox import Outbox
from chatlog.client.problems import Away, Refusal, TokenRefused
from chatlog.client.proxy import find_proxy
from chatlog.client.reading import Reader
from chatlog.client.saving import Saver
from chatlog.client.sender import Sender
from chatlog.client.site import Site
from chatlog.client.worker import Worker
from chatlog.config import StoreSettings
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.ids import check_id
from chatlog.domain.limits import check_limit, check_sequence
from chatlog.domain.models import Message, MessageDraft, Session, SessionStatus, check_tags, check_title
from chatlog.errors import InvalidInput, StorageDenied
from chatlog.storage.base import SessionPage
from chatlog.storage.documents import check_drafts_fit, session_to_document

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
REQUEST_SECONDS = 10.0


class _Parts:
    """What there is one of in the store's own event loop."""

    def __init__(self, api: HttpApi, outbox: Outbox, limits: QueueLimits) -> None:
        self.site = Site(api)
        self.outbox = outbox
        self.sender = Sender(self.site, outbox)
        self.saver = Saver(self.site, outbox, self.sender, limits)
        self.reader = Reader(self.site)


class RemoteStore:
    """Writes and reads sessions over a site's HTTP API; what cannot be sent now waits on this machine's disk.

    While the site answers and nothing waits, it is a store like any other: what `append_messages` returns is stored there, and
    has its sequence. While the site is away, `create_session`, `update_session` and `append_messages` put what they are given
    into the queue, a file that survives a crash and a power cut, and return it with the sequence 0. The queue is sent in order
    as soon as the site is back, by this process or by any other with the same site and folder. What the site refuses for good
    is kept aside, see `list_refused`. A token that is refused keeps everything waiting until the store is opened with another.

    A queue that is full makes saves wait for room, and raise `StorageFull` in the end.

    Args:
        address: of the site, `https://chatlog.example.org`, with the path that a proxy serves it under, if any.
        token: what `manage.py create_token` printed.
        folder: where the queue is kept; `CHATLOG_DATA_DIR` by default.
        limits: how much may wait, and for how long.
        request_seconds: how long the site may take to answer before it counts as away.
        allow_plain_http: send the token unencrypted, in a network where nobody else can listen.
    Raises:
        ConfigurationError: an address or a token that cannot be.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str,
        folder: Path | None = None,
        limits: QueueLimits | None = None,
        request_seconds: float = REQUEST_SECONDS,
        allow_plain_http: bool = False,
    ) -> None:
        self._address = SiteAddress.parse(address, allow_plain_http=allow_plain_http)
        self._proxy = find_proxy(self._address)
        self._token = check_token(token)
        self._limits = QueueLimits() if limits is None else limits
        self._request_seconds = request_seconds
        self.queue = self._address.queue_file(StoreSettings.from_env().data_dir if folder is None else folder)
        self._worker = Worker("chatlog-client")
        self._parts: _Parts | None = None

    async def create_session(self, session: Session) -> Session:
        """As `SessionWriter.create_session`; through the queue, `SessionExists` becomes an entry of `list_refused`.

        Raises:
            InvalidInput: it is not active. Begin it, and change its status afterwards.
        """
        check_id(session.session_id, field="session_id")
        if session.status is not SessionStatus.ACTIVE:
            raise InvalidInput("status", f"is {session.status}; over HTTP a session begins active. Change it afterwards.")
        session_to_document(session)  # raises if it is too large
        return await self._run(lambda parts: parts.saver.create_session(session))

    async def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, where: SessionFilter = EVERYTHING
    ) -> SessionPage:
        """As `SessionReader.list_sessions`, forwards only; under a filter a page may be shorter than it could be."""
        check_limit(limit)
        return await self._run(lambda parts: parts.reader.list_sessions(limit=limit, cursor=cursor, where=where))

    async def get_session(self, session_id: str) -> Session:
        """One session; while the site is away, as it looks from here.

        Raises:
            SessionNotFound: there is no such session, or it was deleted.
            StorageUnavailable: the site is away, and nothing is known here of the session.
        """
        check_id(session_id, field="session_id")
        return await self._run(lambda parts: parts.saver.get_session(session_id))

    async def update_session(
        self,
        session_id: str,
        *,
        status: SessionStatus | None = None,
        title: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Session:
        """As `SessionWriter.update_session`; through the queue only for a session that is known here."""
        check_id(session_id, field="session_id")
        new_title = title and check_title(title)  # an empty one takes the title away
        new_tags = None if tags is None else check_tags(tags)
        return await self._run(
            lambda parts: parts.saver.update_session(session_id, status=status, title=new_title, tags=new_tags)
        )

    async def delete_session(self, session_id: str) -> None:
        """Delete a session on the site, now or not at all; for a week it can be restored there.

        Raises:
            SessionNotFound: there is no such session.
        """
        check_id(session_id, field="session_id")
        await self._run(lambda parts: parts.saver.delete_session(session_id))

    async def append_messages(self, session_id: str, drafts: Sequence[MessageDraft]) -> list[Message]:
        """Store the drafts in their order, and return them as they were sent.

        When this returns, every one of them survives a crash and a power cut: on the site, with its sequence, or in the queue
        on this machine's disk, with the sequence 0. A `message_id` that is stored already is not stored again.

        Raises:
            SessionNotFound: there is no such session; through the queue, it becomes entries of `list_refused`.
            SessionExists: the session could not begin, for its id belongs to another one; as long as `list_refused` has it.
            IdempotencyConflict: a `message_id` is taken by another remark; through the queue, if that one waits as well. Of a
                call with more than 1,000 drafts or 4 MiB, lists before that one are stored.
            ItemTooLarge: a draft is over the 2 MB of an item, and nothing is stored; or over what a proxy in front of the site
                takes, and what is before it may be.
            StorageDenied: the token may not write.
            StorageFull: the queue or its disk is full, and stayed so. Send the same drafts again: nothing is doubled.
        """
        check_id(session_id, field="session_id")
        check_drafts_fit(drafts, session_id=session_id)
        return await self._run(lambda parts: parts.saver.append_messages(session_id, drafts))

    async def list_messages(self, session_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        """As `SessionReader.list_messages`; a session that is not there raises whatever `after` is."""
        check_id(session_id, field="session_id")
        check_sequence(after)
        check_limit(limit)
        return await self._run(lambda parts: parts.reader.list_messages(session_id, after=after, limit=limit))

    async def list_messages_before(self, session_id: str, *, before: int | None = None, limit: int = 200) -> list[Message]:
        """As `SessionReader.list_messages_before`."""
        check_id(session_id, field="session_id")
        if before is not None:
            check_sequence(before, field="before")
        check_limit(limit)
        return await self._run(lambda parts: parts.reader.list_messages_before(session_id, before=before, limit=limit))

    async def get_last_sequence(self, session_id: str) -> int:
        """As `SessionReader.get_last_sequence`; of what the site has."""
        check_id(session_id, field="session_id")
        return await self._run(lambda parts: parts.reader.get_last_sequence(session_id))

    async def wait_for_change(self, *, at_most: float) -> bool:
        """Wait the whole time, and return `False`: over HTTP nobody tells that something has changed."""
        self._worker.check_open()
        await asyncio.sleep(at_most)
        return False

    async def send_waiting(self, *, patience: float = 10.0) -> None:
        """Return when nothing waits any more, whichever program put it there and whichever sends it.

        Args:
            patience: for how many seconds the site may take nothing.
        Raises:
            StorageUnavailable: it took nothing for so long. What waits stays in the queue, and is tried again.
            StorageDenied: the token is refused, or may not write.
        """
        await self._run(lambda parts: parts.sender.send_waiting(patience=patience))

    async def get_backlog(self) -> Backlog:
        """How much waits for the site, and how much it refused, from all processes that share the queue."""
        return await self._run_now(lambda parts: parts.outbox.count())

    async def list_refused(self, *, after: int = 0, limit: int = 200) -> list[RefusedEntry]:
        """What the site will never take, oldest first, with a number above `after`, at most `limit` (1 to 1,000)."""
        check_sequence(after)
        check_limit(limit)
        return await self._run_now(lambda parts: parts.outbox.list_refused(after=after, limit=limit))

    async def resend_refused(self, numbers: Iterable[int]) -> None:
        """Send what was refused once more, after all that waits: when the session it belongs to was restored, say.

        A remark whose id waits with other words stays refused.
        """
        wanted = list(numbers)

        def resend(parts: _Parts) -> None:
            parts.outbox.resend(wanted)
            parts.sender.wake()

        await self._run_now(resend)

    async def forget_refused(self, numbers: Iterable[int]) -> None:
        """Throw away what was refused, and make room for what will not be."""
        wanted = list(numbers)
        await self._run_now(lambda parts: parts.outbox.forget(wanted))

    async def ping(self) -> None:
        """Return if the site answers and knows the token. Raises `StorageUnavailable` or `StorageDenied`."""
        try:
            await self._run(lambda parts: parts.site.list_sessions(limit=1))
        except TokenRefused:
            raise
        except Refusal as refusal:  # by somebody else: there is nothing in the question that the site could refuse
            raise Away(str(refusal)) from refusal
        except StorageDenied:  # a token that may only write is a good one as well
            return

    async def aclose(self) -> None:
        """Go on sending for `limits.closing_seconds`, then leave the rest in the queue. Closing twice is fine."""
        await self._worker.close(self._close_parts, patience=self._limits.closing_seconds)

    async def __aenter__(self) -> Self:
        """Check the token. A site that is away is no reason not to begin; a token that is refused is, and raises."""
        try:
            await self.ping()
        except Away as error:
            logger.warning("%s Until it is back, what is said is kept in %s.", error, self.queue)
        except BaseException:  # raised again below; without this a thread would be left behind
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self.aclose()

    async def _run(self, work: Callable[[_Parts], Coroutine[Any, Any, Result]]) -> Result:
        async def run() -> Result:
            return await work(self._open_parts())

        return await self._worker.run(run)

    async def _run_now(self, work: Callable[[_Parts], Result]) -> Result:
        async def run() -> Result:
            return work(self._open_parts())

        return await self._worker.run(run)

    def _open_parts(self) -> _Parts:
        if self._parts is None:
            outbox = Outbox(self.queue, self._limits)
            api = HttpApi(self._address, token=self._token, seconds=self._request_seconds, proxy=self._proxy)
            self._parts = _Parts(api, outbox, self._limits)
        return self._parts

    async def _close_parts(self) -> None:
        if self._parts is None:
            return
        try:
            await self._parts.sender.finish(at_most=self._limits.closing_seconds)
        finally:
            await self._parts.site.aclose()
            self._parts.outbox.close()
