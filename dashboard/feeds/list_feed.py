"""The list of sessions under one filter: read again when something changed, sent by rows or, when its order changed, whole.

Everybody in this process who looks through the same filter shares one feed, and its reads.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from django.utils.translation import gettext as _

from chatlog.domain.clock import utc_now
from chatlog.domain.filters import EVERYTHING, SessionFilter
from chatlog.domain.models import Session
from chatlog.errors import StorageError
from chatlog.services.browsing import FrontPage, list_front_page
from chatlog.storage.base import SessionStore
from dashboard import fragments, session_rows
from dashboard.feeds.fan_out import fan_out
from dashboard.feeds.pages import READ_SECONDS
from dashboard.feeds.viewer import Frame, Viewer, make_frame
from dashboard.sockets import codes

logger = logging.getLogger(__name__)
# A busy store changes all the time; people read a list at most this fast.
READ_AGAIN_SECONDS = 0.5
POLL_SECONDS = 5.0  # also without a change: "4 min ago" goes on


class SessionListFeed:
    def __init__(self, *, store: SessionStore, where: SessionFilter) -> None:
        self._store = store
        self._where = where
        self._viewers: set[Viewer] = set()
        self._to_greet: set[Viewer] = set()
        self._order: tuple[tuple[str, ...], ...] = ()
        self._rows: dict[str, str] = {}
        self._trouble = ""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def is_watched(self) -> bool:
        return bool(self._viewers or self._to_greet)

    def wake(self) -> None:
        self._wake.set()

    def join(self, viewer: Viewer) -> None:
        self._to_greet.add(viewer)
        self._wake.set()

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self._to_greet.discard(viewer)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()  # before reading: what changes from here on wakes us again
            try:
                await self._turn()
            except (StorageError, TimeoutError) as error:
                await self._tell_trouble(str(error) or _("The store does not answer."))
            except Exception:  # one broken row must not end the feed without a word to its viewers
                logger.exception("The list of sessions failed; it tries again.")
                await self._tell_trouble(_("Something went wrong on the server while following the sessions."))
            await asyncio.sleep(READ_AGAIN_SECONDS)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS - READ_AGAIN_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass  # the poll

    async def _turn(self) -> None:
        now = utc_now()
        async with asyncio.timeout(READ_SECONDS):
            page = await list_front_page(self._store, where=self._where)
        if self._trouble:
            await self._tell_trouble("")
        news = self._compare(page, now=now)
        newcomers, self._to_greet = self._to_greet, set()
        if news is not None:
            await self._fan_out(news, self._viewers)
        self._viewers |= newcomers
        if newcomers:
            await self._fan_out(self._whole(page, now=now), newcomers)

    def _compare(self, page: FrontPage, *, now: datetime) -> Frame | None:
        """A frame with what looks different than before."""
        sessions = {session.session_id: session for session in (*page.running, *page.sessions)}
        rows = {key: session_rows.session_row(session, now=now) for key, session in sessions.items()}
        order = (_ids(page.running), _ids(page.sessions))
        changed = [sessions[key] for key, row in rows.items() if self._rows.get(key) != row]
        moved, self._order, self._rows = order != self._order, order, rows
        if moved:
            return self._whole(page, now=now)
        return make_frame(session_rows.session_rows_frame(changed, now=now)) if changed else None

    def _whole(self, page: FrontPage, *, now: datetime) -> Frame:
        return make_frame(session_rows.session_list_frame(page, now=now, is_filtered=self._where != EVERYTHING))

    async def _tell_trouble(self, text: str) -> None:
        self._trouble = text
        await self._fan_out(make_frame(fragments.trouble_frame(text)), (*self._viewers, *self._to_greet))

    async def _fan_out(self, frame: Frame, viewers: set[Viewer] | tuple[Viewer, ...]) -> None:
        slow: list[Viewer] = []
        broken = await fan_out(frame, viewers, without_room=slow.append)
        # Rows replace rows: who missed one cannot catch up from a cursor, but gets the whole list on coming back.
        for viewer in (*slow, *broken):
            self.leave(viewer)
            await viewer.close(codes.TOO_SLOW, _("This page did not take what it was sent."))


def _ids(sessions: tuple[Session, ...]) -> tuple[str, ...]:
    return tuple(session.session_id for session in sessions)
