"""Everything that is watched in this process: feeds come with their first viewer and go with their last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

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
        self._list: SessionListFeed | None = None
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

    def watch_list(self, viewer: Viewer) -> None:
        self._listen()
        if self._list is None:
            self._list = SessionListFeed(store=get_store())
        self._list.join(viewer)

    def leave_list(self, viewer: Viewer) -> None:
        if self._list is None:
            return
        self._list.leave(viewer)
        if not self._list.is_watched:
            self._end(self._list.stop())
            self._list = None
            self._rest_if_idle()

    async def close(self) -> None:
        """Stop everything. Viewers are told by whoever closes their sockets."""
        for feed in self._feeds.values():
            self._end(feed.stop())
        if self._list is not None:
            self._end(self._list.stop())
        self._feeds, self._list = {}, None
        self._rest_if_idle()
        await asyncio.gather(*self._ending)

    def _listen(self) -> HintReceiver:
        if self._hints is None:
            self._hints = HintReceiver(self._on_hint)
            self._watcher = asyncio.create_task(self._watch_store())
        return self._hints

    def _rest_if_idle(self) -> None:
        """Nobody watches: ask neither the store nor the channel layer."""
        if self._feeds or self._list is not None or self._hints is None or self._watcher is None:
            return
        self._end(self._hints.stop())
        self._end(_cancel(self._watcher))
        self._hints = self._watcher = None

    def _end(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _on_hint(self, session_id: str | None) -> None:
        watched = self._list if session_id is None else self._feeds.get(session_id)
        if watched is not None:
            watched.wake()

    async def _watch_store(self) -> None:
        """For writers that send no signals: other programs that write to the same store."""
        while True:
            try:
                if await get_store().wait_for_change(at_most=WATCH_SECONDS):
                    self._wake_all()
            except ChatlogError as error:  # the feeds meet the same trouble, and tell their viewers
                logger.debug("The store could not be watched: %s", error)
                await asyncio.sleep(1.0)

    def _wake_all(self) -> None:
        for feed in self._feeds.values():
            feed.wake()
        if self._list is not None:
            self._list.wake()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


current: PerLoop[Hub] = PerLoop(Hub)
