"""Everything that is watched in this process: feeds come with their first viewer and go with their last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from chatlog.domain.filters import SessionFilter
from chatlog.errors import ChatlogError
from dashboard.feeds.hints import HintReceiver
from dashboard.feeds.list_feed import SessionListFeed
from dashboard.feeds.session_feed import SessionFeed
from dashboard.feeds.viewer import Viewer
from dashboard.per_loop import PerLoop
from dashboard.stores import get_store

logger = logging.getLogger(__name__)
WATCH_SECONDS = 5.0


class Hub:
    def __init__(self) -> None:
        self._feeds: dict[str, SessionFeed] = {}
        self._lists: dict[SessionFilter, SessionListFeed] = {}
        self._hints: HintReceiver | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def watch_session(self, session_id: str, viewer: Viewer) -> None:
        self._listen().listen(session_id)  # before the first read; whatever is stored from here on wakes the feed
        feed = self._feeds.get(session_id)
        if feed is None or feed.is_over:
            feed = self._feeds[session_id] = SessionFeed(session_id, store=get_store())
        feed.join(viewer)

    def leave_session(self, session_id: str, viewer: Viewer) -> None:
        feed = self._feeds.get(session_id)
        if feed is None:
            return
        feed.leave(viewer)
        if not feed.is_watched:
            del self._feeds[session_id]
            self._end(feed.stop())
            if self._hints is not None:
                self._hints.forget(session_id)
            self._rest_if_idle()

    def watch_list(self, where: SessionFilter, viewer: Viewer) -> None:
        self._listen()
        feed = self._lists.get(where)
        if feed is None:
            feed = self._lists[where] = SessionListFeed(store=get_store(), where=where)
        feed.join(viewer)

    def leave_list(self, where: SessionFilter, viewer: Viewer) -> None:
        feed = self._lists.get(where)
        if feed is None:
            return
        feed.leave(viewer)
        if not feed.is_watched:
            del self._lists[where]
            self._end(feed.stop())
            self._rest_if_idle()

    async def close(self) -> None:
        """Stop everything. Viewers are told by whoever closes their sockets."""
        feeds: tuple[SessionFeed | SessionListFeed, ...] = (*self._feeds.values(), *self._lists.values())
        for feed in feeds:
            self._end(feed.stop())
        self._feeds, self._lists = {}, {}
        self._rest_if_idle()
        await asyncio.gather(*self._ending)

    def _listen(self) -> HintReceiver:
        if self._hints is None:
            self._hints = HintReceiver(self._on_hint)
            self._watcher = asyncio.create_task(self._watch_store())
        return self._hints

    def _rest_if_idle(self) -> None:
        """Nobody watches: ask neither the store nor the channel layer."""
        if self._feeds or self._lists or self._hints is None or self._watcher is None:
            return
        self._end(self._hints.stop())
        self._end(_cancel(self._watcher))
        self._hints = self._watcher = None

    def _end(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _on_hint(self, session_id: str | None) -> None:
        if session_id is None:
            self._wake(*self._lists.values())
        elif session_id in self._feeds:
            self._wake(self._feeds[session_id])

    async def _watch_store(self) -> None:
        """For writers that send no signals: other programs that write to the same store."""
        while True:
            try:
                if await get_store().wait_for_change(at_most=WATCH_SECONDS):
                    self._wake(*self._feeds.values(), *self._lists.values())
            except ChatlogError as error:  # the feeds meet the same trouble, and tell their viewers
                logger.debug("The store could not be watched: %s", error)
                await asyncio.sleep(1.0)

    def _wake(self, *feeds: SessionFeed | SessionListFeed) -> None:
        for feed in feeds:
            feed.wake()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


current: PerLoop[Hub] = PerLoop(Hub)
