"""The list of sessions under one filter: sent by rows or, when its order changed, whole."""

from __future__ import annotations

from datetime import datetime

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Session
from chatlog.services.browsing import FrontPage, list_front_page
from chatlog.storage.base import SessionStore
from dashboard import session_rows
from dashboard.feeds.polled_feed import PolledFeed
from dashboard.feeds.viewer import Frame, make_frame


class SessionListFeed(PolledFeed[FrontPage]):
    def __init__(self, *, store: SessionStore, where: SessionFilter) -> None:
        self._store = store
        self._where = where
        self._order: tuple[tuple[str, ...], ...] = ()
        self._rows: dict[str, str] = {}
        super().__init__()

    async def read(self) -> FrontPage:
        return await list_front_page(self._store, where=self._where)

    def compare(self, content: FrontPage) -> Frame | None:
        now = utc_now()
        sessions = {session.session_id: session for session in (*content.running, *content.sessions)}
        rows = {key: session_rows.session_row(session, now=now) for key, session in sessions.items()}
        order = (_ids(content.running), _ids(content.sessions))
        changed = [sessions[key] for key, row in rows.items() if self._rows.get(key) != row]
        moved, self._order, self._rows = order != self._order, order, rows
        if moved:
            return self._whole(content, now=now)
        return make_frame(session_rows.session_rows_frame(changed, now=now)) if changed else None

    def whole(self, content: FrontPage) -> Frame:
        return self._whole(content, now=utc_now())

    def _whole(self, page: FrontPage, *, now: datetime) -> Frame:
        return make_frame(session_rows.session_list_frame(page, now=now, is_filtered=self._where != EVERYTHING))


def _ids(sessions: tuple[Session, ...]) -> tuple[str, ...]:
    return tuple(session.session_id for session in sessions)
