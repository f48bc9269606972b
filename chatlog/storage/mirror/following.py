"""Following a container: its change feed, read into the mirror's file for as long as the store is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from chatlog.config import CosmosSettings
from chatlog.domain.clock import utc_now
from chatlog.errors import ChatlogError, StorageError
from chatlog.storage.cosmos.change_feed import ChangeFeed, Changes, open_change_feed
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.mirror.applying import apply_page
from chatlog.storage.mirror.decoding import DocumentReader
from chatlog.storage.mirror.deriving import DERIVED_FROM, OVER_AFTER
from chatlog.storage.mirror.notes import MirrorNotes, load_notes, store_notes
from chatlog.storage.mirror.turns import take_turn
from chatlog.storage.sqlite.describing import complete_silent
from chatlog.storage.sqlite.writer import GroupCommitWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a follower does what, in seconds; tests shorten it.

    Attributes:
        busy, idle: the pause between two looks at the feed: `busy` after something new, growing to `idle` while nothing comes.
            A look is one request for each physical partition.
        turn: how often a process that only reads asks whether the one that follows has ended.
        care: how often properties are read again, and sessions that fell silent called completed.
        first_pause, longest_pause: after a fault; it doubles between these two.
        units_per_second: request units that reading may cost on average, for the agents need theirs. Half of the 400 that the
            smallest container has (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#minimum-throughput-limits).
    """

    busy: float = 1.0
    idle: float = 4.0
    turn: float = 2.0
    care: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 30.0
    units_per_second: float = 200.0


class Following:
    """Follows one container in the event loop that runs `run`, whenever it is this process's turn."""

    def __init__(self, settings: CosmosSettings, path: Path, writer: GroupCommitWriter, *, tuning: Tuning, pace: Pace) -> None:
        self.name = f"{settings.database_name}/{settings.container_name}"
        self.trouble: ChatlogError | None = None
        self._settings = settings
        self._lock_path = path.with_suffix(".turn")
        self._writer = writer
        self._tuning = tuning
        self._pace = pace
        self._feed: ChangeFeed | None = None
        self._notes = MirrorNotes()
        self._told_lifetime: int | None = None
        self._next_pause = pace.first_pause
        self._has_tried = asyncio.Event()  # to reach the container, with or without success
        self._is_complete = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled. A fault is told once, and followed by tries that come ever more seldom."""
        while True:
            try:
                async with open_change_feed(self._settings, self._tuning) as feed, self._reachable(feed):
                    await self._follow(feed)
            except ChatlogError as error:
                self._note_trouble(error)
            except Exception as error:  # a fault of ours: it must be seen, and the rest of the site goes on
                trouble = StorageError(f"Following failed unexpectedly ({type(error).__name__}: {error}).")
                trouble.__cause__ = error
                self._note_trouble(trouble)
            await asyncio.sleep(self._next_pause)
            self._next_pause = min(2 * self._next_pause, self._pace.longest_pause)

    async def check(self) -> None:
        """Return if the container can be reached at this moment. Raises what keeps it from being followed."""
        await self._has_tried.wait()
        if self.trouble is not None:
            raise self.trouble.own_copy() if isinstance(self.trouble, StorageError) else self.trouble
        if self._feed is not None:
            await self._feed.examine()

    async def catch_up(self) -> None:
        """Return once everything that was in the container is in the mirror. Raises what keeps it from being followed."""
        while not self._is_complete.is_set():
            await self.check()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_complete.wait(), self._pace.busy)

    @asynccontextmanager
    async def _reachable(self, feed: ChangeFeed) -> AsyncIterator[None]:
        await feed.examine()
        self._feed = feed
        self._has_tried.set()
        try:
            yield
        finally:
            self._feed = None

    def _note_trouble(self, error: ChatlogError) -> None:
        if self.trouble is None or str(self.trouble) != str(error):
            fault = error.__cause__ if type(error) is StorageError else None  # of a kind that says little by itself
            logger.error("The container %s is not followed; it is tried again. %s", self.name, error, exc_info=fault)
        self.trouble = error
        self._has_tried.set()

    def _note_health(self) -> None:
        if self.trouble is not None:
            logger.info("The container %s is followed again.", self.name)
        self.trouble, self._next_pause = None, self._pace.first_pause

    async def _follow(self, feed: ChangeFeed) -> None:
        while True:
            with take_turn(self._lock_path) as is_ours:
                if is_ours:
                    await self._read_on(feed)
            # Another process follows; what it has read is in the file.
            self._note_health()
            if (await self._writer.run(load_notes)).is_complete:
                self._is_complete.set()
            await asyncio.sleep(self._pace.turn)

    async def _read_on(self, feed: ChangeFeed) -> None:
        self._notes = await self._writer.run(load_notes)
        reader = DocumentReader(container=self.name, naive_zone=self._settings.naive_zone)
        clock = asyncio.get_running_loop().time
        pause, next_care = self._pace.busy, clock()
        while True:
            if clock() >= next_care:
                await self._take_care(feed)
                next_care = clock() + self._pace.care
            before, has_more = self._notes, False
            async for changes in feed.read(self._notes.continuation):
                await self._keep(reader, changes)
                await asyncio.sleep(changes.units / self._pace.units_per_second)
                has_more |= changes.has_more
            if has_more:
                continue
            await self._note_completeness()
            pause = self._pace.busy if before != self._notes else min(pause * 1.5, self._pace.idle)
            await asyncio.sleep(pause)

    async def _keep(self, reader: DocumentReader, changes: Changes) -> None:
        reading = reader.read(changes.documents)
        notes = self._notes.after_reading(unread=reading.unread, shortest_ttl=reading.shortest_ttl)
        notes = replace(notes, continuation=changes.continuation)
        await self._writer.run(partial(apply_page, reading=reading, notes=notes, now=utc_now()))
        self._notes = notes
        self._note_health()  # a first reading may go on for hours
        self._tell_lifetime()

    async def _take_care(self, feed: ChangeFeed) -> None:
        facts = await feed.examine()
        notes = replace(self._notes, rid=facts.rid, default_ttl=facts.default_ttl)
        if self._notes.rid not in (None, facts.rid):
            # What was seen stays, as what expires does; ids keep it from being stored twice.
            logger.warning("The container %s was made anew. It is read from its beginning.", self.name)
            notes = replace(notes, continuation=None, unread=0, shortest_ttl=None)
        await self._keep_notes(notes)
        self._tell_lifetime()
        await self._writer.run(partial(complete_silent, since=utc_now() - OVER_AFTER, mark=DERIVED_FROM))

    async def _note_completeness(self) -> None:
        await self._keep_notes(replace(self._notes, is_complete=True))
        self._is_complete.set()
        self._note_health()

    async def _keep_notes(self, notes: MirrorNotes) -> None:
        if notes != self._notes:
            await self._writer.run(partial(store_notes, notes=notes))
            self._notes = notes

    def _tell_lifetime(self) -> None:
        if self._notes.lifetime not in (None, self._told_lifetime):
            logger.warning(
                "Documents of the container %s expire %d seconds after they were written (their time to live). What was "
                "seen in time stays in the mirror; what expires while nobody follows is never seen.",
                *(self.name, self._notes.lifetime),
            )
        self._told_lifetime = self._notes.lifetime
