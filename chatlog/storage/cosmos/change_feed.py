"""What has changed in a container, from its beginning on and then live. Only ever reads: not even the container is made."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from chatlog.config import CosmosSettings
from chatlog.domain.ledger import Takings
from chatlog.errors import StorageError
from chatlog.storage.cosmos.charges import Meter, charge_of
from chatlog.storage.cosmos.client import enter_client
from chatlog.storage.cosmos.errors import DRIVER_ERRORS
from chatlog.storage.cosmos.retrying import Budget, run
from chatlog.storage.cosmos.tuning import Tuning
from chatlog.storage.documents import Document

# A page is one transaction of whoever keeps it; the service ends a page at 4 MB at the latest.
MAX_PAGE_SIZE = 500
# So many pages of one part of the container come before the others have their turn: a busy one must not keep them waiting.
MOST_PAGES_A_TURN = 20


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of the feed.

    Attributes:
        documents: some of one part of the container, in the order in which they changed last.
        continuation: where to read on once these documents are dealt with.
        has_more: whether its part may have more already, which the next `read` gives.
        units: the request units that it cost.
    """

    documents: list[Document]
    continuation: str
    has_more: bool
    units: float


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What a container's properties say.

    Attributes:
        rid: the container's own id: another one means that it was deleted and made again.
        default_ttl: seconds after which items expire; -1 if only those do that say so themselves, `None` if none does.
    """

    rid: str
    default_ttl: int | None


@dataclass(frozen=True, slots=True)
class _Page:
    """What one request brought."""

    documents: list[Document]
    token: str
    units: float


@dataclass(slots=True)
class _LastHeaders:
    """The headers of the last answer. The SDK puts its own token into them after it has shown them to the hook."""

    headers: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, headers: Mapping[str, Any], _: Any) -> None:
        self.headers = headers

    def page(self, documents: list[Document]) -> _Page:
        return _Page(documents, str(self.headers["etag"]), charge_of(self.headers))


class ChangeFeed:
    """One container's feed, part after part: within a session in order, between sessions in none."""

    def __init__(self, container: ContainerProxy, settings: CosmosSettings, tuning: Tuning) -> None:
        self._container = container
        self._settings = settings
        self._tuning = tuning

    async def read(self, continuation: str | None) -> AsyncIterator[Changes]:
        """What changed since, page by page: each part until it has nothing new, or has had its turn. `None` is the beginning.

        Raises:
            StorageError: a page could not be had, after the bounded number of attempts. Read on from the last page's token.
        """
        # One token for each part of the container. A token of the SDK for the whole of it cannot be used again before every
        # part was read once (azure-cosmos 4.17.1: "Invalid composite token"); that for a part goes on through splits.
        places = await self._list_beginnings() if continuation is None else json.loads(continuation)
        for place in places:
            pages = 0
            async with aclosing(self._read_part(place["range"], place["token"])) as part:
                async for page in part:
                    pages, place["token"] = pages + 1, page.token
                    has_more = pages == MOST_PAGES_A_TURN
                    yield Changes(page.documents, json.dumps(places), has_more=has_more, units=page.units)
                    if has_more:
                        break

    async def _list_beginnings(self) -> list[dict[str, Any]]:
        async def list_ranges() -> list[dict[str, Any]]:
            return [{"range": feed_range, "token": None} async for feed_range in self._container.read_feed_ranges()]

        return await run(self._budget("list the parts of the change feed"), list_ranges)

    async def _read_part(self, feed_range: dict[str, Any], token: str | None) -> AsyncGenerator[_Page, None]:
        budget = self._budget("read the change feed")
        while True:
            pages, last = self._pages(feed_range, token)
            try:
                while True:
                    async with budget.attempt():
                        documents = [document async for document in await anext(pages)]
                    page = last.page(documents)
                    token = page.token
                    yield page
                    budget = self._budget("read the change feed")
            except StopAsyncIteration:
                return
            except DRIVER_ERRORS as error:
                await budget.pause(error)

    async def examine(self) -> FeedFacts:
        """Read the container's properties, which also tells whether it can be reached. Raises `StorageError`."""
        properties = await run(self._budget("read the container's properties"), self._read_properties)
        return FeedFacts(str(properties["_rid"]), properties.get("defaultTtl"))

    async def _read_properties(self) -> Mapping[str, Any]:
        try:
            return await self._container.read()
        except CosmosResourceNotFoundError as error:
            name = f"{self._settings.database_name}/{self._settings.container_name}"
            raise StorageError(
                f"There is no container {name} at {self._host}. COSMOSDB_READ_ONLY watches one that is there and never makes "
                "one: check COSMOSDB_DATABASE_NAME and COSMOSDB_CONTAINER_NAME."
            ) from error

    def _pages(
        self, feed_range: dict[str, Any], token: str | None
    ) -> tuple[AsyncIterator[AsyncIterator[Document]], _LastHeaders]:
        # A start by time could not be resumed (github.com/Azure/azure-sdk-for-python/issues/43018), and the token that
        # `by_page` shows is shared by all requests of the client: so it is taken from the headers, after each page.
        last = _LastHeaders()
        place: dict[str, Any] = {"continuation": token}
        if token is None:
            place = {"start_time": "Beginning", "feed_range": feed_range}
        found = self._container.query_items_change_feed(response_hook=last, max_item_count=MAX_PAGE_SIZE, **place)
        return found.by_page(), last

    def _budget(self, operation: str) -> Budget:
        return Budget(self._tuning, operation=operation, host=self._host)

    @property
    def _host(self) -> str:
        return urlsplit(self._settings.endpoint).netloc


@asynccontextmanager
async def open_change_feed(settings: CosmosSettings, tuning: Tuning) -> AsyncIterator[ChangeFeed]:
    """The feed of a container that exists. Raises `ConfigurationError`, `StorageError`."""
    async with AsyncExitStack() as stack:
        # What it charges is counted for Prometheus; no ledger is kept, for that would be a write.
        meter = Meter(Takings(), warn_above=settings.warn_above)
        client = await enter_client(settings, stack, meter=meter, tuning=tuning)
        container = client.get_database_client(settings.database_name).get_container_client(settings.container_name)
        yield ChangeFeed(container, settings, tuning)
