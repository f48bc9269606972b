"""One client per event loop, opened when it is first needed, and really closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chatlog.config import CosmosSettings
from chatlog.domain.ledger import Takings
from chatlog.errors import StoreClosed
from chatlog.storage.cosmos.calls import Calls
from chatlog.storage.cosmos.charges import Meter
from chatlog.storage.cosmos.client import enter_client
from chatlog.storage.cosmos.container import ContainerFacts, open_container
from chatlog.storage.cosmos.ledger import LedgerWriter
from chatlog.storage.cosmos.offers import Offers
from chatlog.storage.cosmos.retrying import Budget, run
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.cosmos.writers import SessionWriters


@dataclass(frozen=True, slots=True)
class Connection:
    """What one event loop uses."""

    calls: Calls
    facts: ContainerFacts
    writers: SessionWriters
    ledger: LedgerWriter
    offers: Offers


@dataclass(slots=True)
class _Place:
    """An event loop's connection, the generator that holds it open, and how many calls use it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    life: AsyncGenerator[Connection, None] | None = None
    connection: Connection | None = None
    users: int = 0
    is_unused: asyncio.Event = field(default_factory=asyncio.Event)


class Connections:
    """The connections of a store, one for each event loop that uses it."""

    def __init__(self, settings: CosmosSettings, tuning: Tuning) -> None:
        self._settings = settings
        self._tuning = tuning
        self._places: dict[asyncio.AbstractEventLoop, _Place] = {}
        self._guard = threading.Lock()
        self._is_closed = False

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """The running loop's connection, not closed before the block ends. Raises `StoreClosed`, and what opening it raises."""
        place = self._place()
        connection = await self._open(place)
        place.users += 1
        place.is_unused.clear()
        try:
            yield connection
        finally:
            place.users -= 1
            if place.users == 0:
                place.is_unused.set()

    def count_waiting_saves(self) -> int:
        """Saves that no loop has begun yet."""
        with self._guard:
            connections = [place.connection for place in self._places.values()]
        return sum(connection.writers.waiting for connection in connections if connection is not None)

    async def aclose(self) -> None:
        """Finish what is under way and close every client. Closing twice is fine."""
        with self._guard:
            self._is_closed = True
            places, self._places = self._places, {}
        for loop, place in places.items():
            if loop is asyncio.get_running_loop():
                await _close(place)
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_close(place), loop))
            # A loop that has stopped closed its client when it ended; see _hold_open.

    async def _open(self, place: _Place) -> Connection:
        async with place.lock:
            if self._is_closed:
                raise StoreClosed
            if place.connection is None:
                life = _hold_open(self._settings, self._tuning)
                place.connection = await anext(life)
                place.life = life
            return place.connection

    def _place(self) -> _Place:
        loop = asyncio.get_running_loop()
        with self._guard:
            if self._is_closed:
                raise StoreClosed
            for ended in [other for other in self._places if other.is_closed()]:
                del self._places[ended]
            return self._places.setdefault(loop, _Place())


async def _close(place: _Place) -> None:
    async with place.lock:
        connection, life = place.connection, place.life
    if connection is None or life is None:
        return
    if place.users:
        await place.is_unused.wait()
    await connection.writers.finish()
    await life.aclose()


async def _hold_open(settings: CosmosSettings, tuning: Tuning) -> AsyncGenerator[Connection, None]:
    """Yield a connection once, and close it afterwards.

    It is a generator because an event loop closes those that are left when it ends (`asyncio.run` does): a program that forgets
    to close its store leaves no open sockets behind.
    """
    host = urlsplit(settings.endpoint).netloc
    takings = Takings()
    meter = Meter(takings, warn_above=settings.warn_above)
    async with AsyncExitStack() as stack:
        client = await enter_client(settings, stack, meter=meter, tuning=tuning)
        opening = Budget(tuning, operation="open the container", host=host)
        container, facts = await run(opening, lambda: open_container(client, settings))
        calls = Calls(container, tuning=tuning, host=host, meter=meter)
        atomic = not settings.emulator if tuning.batches_are_atomic is None else tuning.batches_are_atomic
        writers = SessionWriters(calls, facts, tuning=tuning, batches_are_atomic=atomic, naive_zone=settings.naive_zone)
        ledger = LedgerWriter(calls, takings, meter, tuning=tuning)
        stack.push_async_callback(ledger.finish)
        offers = Offers(container, client.get_database_client(settings.database_name), tuning=tuning, host=host)
        yield Connection(calls, facts, writers, ledger, offers)
