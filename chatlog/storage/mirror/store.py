"""Another program's container, watched: read from a mirror of it in an SQLite file, which one follower keeps up to date."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import NoReturn, Self

from chatlog.config import CosmosSettings
from chatlog.errors import WatchedOnly
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.mirror.following import Following, Pace
from chatlog.storage.mirror.notes import load_notes
from chatlog.storage.mirror.thread import FollowerThread
from chatlog.storage.sqlite.notes import prepare_notes
from chatlog.storage.sqlite.store import SqliteSessionStore
from chatlog.storage.watching import Watched


class MirrorStore(SqliteSessionStore):
    """An embedded store that nobody can write to but its follower; see `SessionStore` for what each method promises.

    The first use begins to follow. Nothing is ever written to the container, which must be there; whatever would write raises
    `WatchedOnly`. The file may be deleted while nothing uses it: it is made again from the container, as far as that goes back.
    """

    def __init__(self, settings: CosmosSettings, path: Path, *, tuning: Tuning | None = None, pace: Pace | None = None) -> None:
        super().__init__(path)
        self.settings = settings
        self._tuning = tuning or Tuning()
        self._pace = pace or Pace()
        self._follower = FollowerThread(self._new_following)
        self._has_begun = False

    async def get_watched(self) -> Watched:
        notes = await self._read(load_notes)
        return Watched(
            name=f"{self.settings.database_name}/{self.settings.container_name}",
            lifetime=None if notes.lifetime is None else timedelta(seconds=notes.lifetime),
            unread=notes.unread,
            is_complete=notes.is_complete,
            trouble=None if self._follower.trouble is None else str(self._follower.trouble),
        )

    async def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise WatchedOnly

    create_session = update_session = delete_session = restore_session = purge_deleted = append_messages = _refuse

    async def ping(self) -> None:
        """Return if the mirror can be read and the container reached."""
        await super().ping()
        await self._follower.ask(Following.check)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._follower.close)
        await super().aclose()

    async def __aenter__(self) -> Self:
        """Wait, besides, until all that was in the container has been read."""
        await super().__aenter__()
        try:
            await self._follower.ask(Following.catch_up)
        except BaseException:  # raised again below
            await self.aclose()
            raise
        return self

    async def _prepare(self) -> None:
        if self._has_begun:
            return
        await super()._prepare()
        await self._writer.run(prepare_notes)
        await asyncio.to_thread(self._follower.start)
        self._has_begun = True

    def _new_following(self) -> Following:
        return Following(self.settings, self.path, self._writer, tuning=self._tuning, pace=self._pace)
