"""Everything that is watched in this process: feeds come with their first viewer and go with their last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from chatlog.domain.filters import SessionFilter
from chatlog.errors import ChatlogError
from dashboard.feeds.hints import HintReceiver
from dashboard.feeds.list_feed import SessionListFeed
from dashboard.feeds.polled_feed import PolledFeed
from dashboard.feeds.session_feed import SessionFeed
from dashboard.feeds.tail import SessionTail
from dashboard.feeds.viewer import Viewer
from dashboard.feeds.wall_feed import WallFeed
from dashboard.locale import ViewerLocale
from dashboard.per_loop import PerLoop
from dashboard.stores import get_store

logger = logging.getLogger(__name__)
WATCH_SECONDS = 5.0
# Different filters, languages and zones that people in this process follow the list under. One costs a query at every change in
# the store, at most two a second, and one every 5 s while nothing changes.
MAX_LIST_FEEDS = 200

WALL: Literal["wall"] = "wall"
Page = SessionFilter | Literal["wall"]
Feed = SessionFeed | SessionTail | PolledFeed[Any]


class Hub:
    """One feed for all who see the same the same way: a session, a filtered list or the wall, in a language and a zone."""

    def __init__(self) -> None:
        self._feeds: dict[str, dict[ViewerLocale, SessionFeed]] = {}
        self._pages: dict[tuple[Page, ViewerLocale], PolledFeed[Any]] = {}
        self._tails: dict[str, SessionTail] = {}
        self._hints: HintReceiver | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def watch_session(self, session_id: str, viewer: Viewer) -> None:
        self._listen().listen(session_id)  # before the first read; whatever is stored from here on wakes the feed
        feeds = self._feeds.setdefault(session_id, {})
        feed = feeds.get(viewer.locale)
        with viewer.locale.activate():  # the tasks of a feed, and of those who catch up with it, render as they began
            if feed is None or feed.is_over:
                feed = feeds[viewer.locale] = SessionFeed(session_id, store=get_store())
            feed.join(viewer)

    def leave_session(self, session_id: str, viewer: Viewer) -> None:
        feeds = self._feeds.get(session_id, {})
        feed = feeds.get(viewer.locale)
        if feed is None:
            return
        feed.leave(viewer)
        if feed.is_watched:
            return
        del feeds[viewer.locale]
        self._end(feed.stop())
        if not feeds:
            del self._feeds[session_id]
            self._forget_if_unwatched(session_id)

    def follow_session(self, session_id: str, follower: asyncio.Event) -> SessionTail:
        """The session as events for programs; `follower` is set whenever there may be more of them."""
        self._listen().listen(session_id)
        tail = self._tails.get(session_id)
        if tail is None or tail.reason:
            tail = self._tails[session_id] = SessionTail(session_id, store=get_store())
        tail.join(follower)
        return tail

    def unfollow_session(self, tail: SessionTail, follower: asyncio.Event) -> None:
        tail.leave(follower)
        if tail.is_followed:
            return
        self._end(tail.stop())
        if self._tails.get(tail.session_id) is tail:
            del self._tails[tail.session_id]
            self._forget_if_unwatched(tail.session_id)

    def _forget_if_unwatched(self, session_id: str) -> None:
        if session_id in self._feeds or session_id in self._tails:
            return
        if self._hints is not None:
            self._hints.forget(session_id)
        self._rest_if_idle()

    def watch_list(self, where: SessionFilter, viewer: Viewer) -> None:
        self._watch_page(where, viewer, lambda: SessionListFeed(store=get_store(), where=where))

    def leave_list(self, where: SessionFilter, viewer: Viewer) -> None:
        self._leave_page(where, viewer)

    def watch_wall(self, viewer: Viewer) -> None:
        self._watch_page(WALL, viewer, lambda: WallFeed(store=get_store()))

    def leave_wall(self, viewer: Viewer) -> None:
        self._leave_page(WALL, viewer)

    def _watch_page(self, page: Page, viewer: Viewer, make_feed: Callable[[], PolledFeed[Any]]) -> None:
        self._listen()
        key = (page, viewer.locale)
        with viewer.locale.activate():
            if key not in self._pages:
                self._pages[key] = make_feed()
            self._pages[key].join(viewer)

    def _leave_page(self, page: Page, viewer: Viewer) -> None:
        feed = self._pages.get((page, viewer.locale))
        if feed is None:
            return
        feed.leave(viewer)
        if not feed.is_watched:
            del self._pages[page, viewer.locale]
            self._end(feed.stop())
            self._rest_if_idle()

    def has_room_for_list(self, where: SessionFilter, viewer: Viewer) -> bool:
        """Whether the list can be followed under this filter: each feed reads the store by itself."""
        return (where, viewer.locale) in self._pages or len(self._pages) < MAX_LIST_FEEDS

    @property
    def unacknowledged(self) -> int:
        """Bytes sent to open pages that they have not acknowledged."""
        feeds: tuple[SessionFeed | PolledFeed[Any], ...] = (*self._list_session_feeds(), *self._pages.values())
        return sum(feed.unacknowledged for feed in feeds)

    async def close(self) -> None:
        """Stop everything. Viewers are told by whoever closes their sockets."""
        feeds: tuple[Feed, ...] = (*self._list_session_feeds(), *self._tails.values(), *self._pages.values())
        for feed in feeds:
            self._end(feed.stop())
        self._feeds, self._tails, self._pages = {}, {}, {}
        self._rest_if_idle()
        await asyncio.gather(*self._ending)

    def _listen(self) -> HintReceiver:
        if self._hints is None:
            self._hints = HintReceiver(self._on_hint)
            self._watcher = asyncio.create_task(self._watch_store())
        return self._hints

    def _rest_if_idle(self) -> None:
        """Nobody watches: ask neither the store nor the channel layer."""
        if self._feeds or self._tails or self._pages or self._hints is None or self._watcher is None:
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
            self._wake(*self._pages.values())
        else:
            self._wake(*self._feeds.get(session_id, {}).values())
            if session_id in self._tails:
                self._tails[session_id].wake()

    async def _watch_store(self) -> None:
        """For writers that send no signals: other programs that write to the same store."""
        while True:
            try:
                if await get_store().wait_for_change(at_most=WATCH_SECONDS):
                    self._wake(*self._list_session_feeds(), *self._tails.values(), *self._pages.values())
            except ChatlogError as error:  # the feeds meet the same trouble, and tell their viewers
                logger.debug("The store could not be watched: %s", error)
                await asyncio.sleep(1.0)

    def _list_session_feeds(self) -> list[SessionFeed]:
        return [feed for feeds in self._feeds.values() for feed in feeds.values()]

    def _wake(self, *feeds: Feed) -> None:
        for feed in feeds:
            feed.wake()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


current: PerLoop[Hub] = PerLoop(Hub)
