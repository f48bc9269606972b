"""The wall: sent by tiles or, when others are on it, whole."""

from __future__ import annotations

from chatlog.domain.clock import utc_now
from chatlog.services.watching import Wall, WallReader
from chatlog.storage.base import SessionStore
from dashboard import wall_tiles
from dashboard.feeds.polled_feed import PolledFeed
from dashboard.feeds.viewer import Frame, make_frame


class WallFeed(PolledFeed[Wall]):
    poll_seconds = 2.0  # who has fallen silent is seen without anybody saying anything

    def __init__(self, *, store: SessionStore) -> None:
        self._reader = WallReader(store)
        self._head: tuple[object, ...] = ()
        self._tiles: dict[str, str] = {}
        super().__init__()

    async def read(self) -> Wall:
        return await self._reader.read(now=utc_now())

    def compare(self, content: Wall) -> Frame | None:
        tiles = {one.session.session_id: wall_tiles.tile(one, is_oob=True) for one in content.sessions}
        head = (content.running, content.has_more, *tiles)
        changed = [tile for key, tile in tiles.items() if self._tiles.get(key) != tile]
        has_others, self._head, self._tiles = head != self._head, head, tiles
        if has_others:
            return self.whole(content)
        return make_frame("".join(changed)) if changed else None

    def whole(self, content: Wall) -> Frame:
        return make_frame(wall_tiles.wall_frame(content))
