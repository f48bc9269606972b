"""What the head of a session's page says: read again at most once a second, sent when it changed, mere counts less often."""

from __future__ import annotations

import asyncio
import time

from django.utils.translation import gettext as _

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.base import SessionStore
from dashboard import fragments
from dashboard.feeds.history import HistoryGone
from dashboard.feeds.pages import READ_SECONDS
from dashboard.feeds.viewer import Frame, make_frame

READ_AGAIN_SECONDS = 1.0
# Pages count for themselves what they receive. To tell each of 500 the count every second would double the delay of remarks.
COUNT_SECONDS = 5.0
POLL_SECONDS = 1.0
POLL_FINISHED_SECONDS = 5.0


class SessionState:
    """Attributes:
    greeting: the state as somebody gets it who has just caught up; takes back whatever trouble they were told of before.
    """

    def __init__(self, session_id: str, *, store: SessionStore) -> None:
        self.greeting: Frame | None = None
        self._session_id = session_id
        self._store = store
        self._session: Session | None = None
        self._shown: tuple[object, int, int] | None = None
        self._sent_at = float("-inf")
        self._read_at = float("-inf")
        self._is_due = False

    async def refresh(self, *, cursor: int, moved: bool) -> Frame | None:
        """A frame if there is news. Raises `SessionNotFound`, `HistoryGone`, `StorageError`."""
        self._is_due = time.monotonic() - self._read_at < READ_AGAIN_SECONDS
        if self._is_due:
            return None
        async with asyncio.timeout(READ_SECONDS):
            session = await self._store.get_session(self._session_id)
            await self._check_same(session, cursor=cursor, moved=moved)
        self._session, self._read_at = session, time.monotonic()
        return self._frame(session, cursor=cursor)

    def poll_seconds(self) -> float:
        """How long to wait for a hint before looking anyway."""
        if self._is_due:
            return min(POLL_SECONDS, max(0.05, self._read_at + READ_AGAIN_SECONDS - time.monotonic()))
        is_active = self._session is None or self._session.status is SessionStatus.ACTIVE
        return POLL_SECONDS if is_active else POLL_FINISHED_SECONDS

    def _frame(self, session: Session, *, cursor: int) -> Frame | None:
        now = utc_now()
        headline = (session.status, session.title, session.tags, session.participants, session.is_stalled(now))
        shown = (headline, session.message_count, cursor)
        is_urgent = self._shown is None or headline != self._shown[0]
        if shown == self._shown or not (is_urgent or time.monotonic() - self._sent_at >= COUNT_SECONDS):
            return None
        self._shown, self._sent_at = shown, time.monotonic()
        html = fragments.session_frame(session, last_sequence=cursor, now=now)
        self.greeting = make_frame(fragments.trouble_frame("") + html)
        return make_frame(html)

    async def _check_same(self, session: Session, *, cursor: int, moved: bool) -> None:
        """A store that was reset under an open page must not be shown as a continuation."""
        if self._session is not None and session.created_at != self._session.created_at:
            raise HistoryGone(_("Session “%(id)s” was made anew.") % {"id": self._session_id})
        # The count may run behind the messages; only the messages themselves tell for certain.
        if session.message_count < cursor and not moved:
            last = await self._store.get_last_sequence(self._session_id)
            if last < cursor:
                values = {"id": self._session_id, "stored": last, "shown": cursor}
                raise HistoryGone(_("Session “%(id)s” has %(stored)s messages, where there were %(shown)s.") % values)
