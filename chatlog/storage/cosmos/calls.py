"""The requests that the store sends, each in a time limit of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosResourceExistsError, CosmosResourceNotFoundError

from chatlog.storage.cosmos.charges import Meter
from chatlog.storage.cosmos.errors import DRIVER_ERRORS, is_missing_item
from chatlog.storage.cosmos.queries import Query
from chatlog.storage.cosmos.retrying import Budget, run
from chatlog.storage.cosmos.tuning import MAX_PAGE_SIZE, Tuning
from chatlog.storage.documents import Document


class Calls:
    """One container's requests. Those that change nothing, or the same thing however often they come, are repeated."""

    def __init__(self, container: ContainerProxy, *, tuning: Tuning, host: str, meter: Meter) -> None:
        self._container = container
        self._meter = meter
        self._tuning = tuning
        self._host = host

    def budget(self, operation: str) -> Budget:
        """The attempts and time of one call, which `operation` names in errors."""
        return Budget(self._tuning, operation=operation, host=self._host)

    async def find(self, document_id: str, *, partition: str) -> Document | None:
        """One document by its id."""

        async def read() -> Document | None:
            try:
                return dict(await self._container.read_item(document_id, partition_key=partition))
            except CosmosResourceNotFoundError as error:
                if not is_missing_item(error):
                    raise
                return None

        return await run(self.budget("read an item"), read)

    async def query(
        self,
        query: Query,
        *,
        page_size: int = MAX_PAGE_SIZE,
        is_enough: Callable[[Sequence[Document]], bool] = lambda _: False,
    ) -> list[Document]:
        """The rows of a query, page by page until `is_enough` of them. After a page that failed it begins anew."""
        with self._meter.watch_query(query.text):
            return await self._query(query, page_size=page_size, is_enough=is_enough)

    async def _query(self, query: Query, *, page_size: int, is_enough: Callable[[Sequence[Document]], bool]) -> list[Document]:
        budget = self.budget("run a query")
        while True:
            rows: list[Document] = []
            pages = self._pages(query, page_size=page_size)
            try:
                while not is_enough(rows):
                    async with budget.attempt():
                        rows += [row async for row in await anext(pages)]
                    budget.extend()
            except StopAsyncIteration:
                return rows
            except DRIVER_ERRORS as error:
                await budget.pause(error)
            else:
                return rows

    async def query_once(self, query: Query, *, budget: Budget) -> list[Document]:
        """All rows of a query, tried once and within the time of one request; raises the driver's errors."""
        with self._meter.watch_query(query.text):
            async with budget.attempt():
                return [row async for page in self._pages(query) async for row in page]

    def _pages(self, query: Query, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[AsyncIterator[Document]]:
        options: dict[str, Any] = {} if query.partition is None else {"partition_key": query.partition}
        size = min(page_size, MAX_PAGE_SIZE)
        return self._container.query_items(query.text, parameters=query.parameters, max_item_count=size, **options).by_page()

    async def create(self, document: Document, *, budget: Budget) -> None:
        """Store one document. Tried once; raises the driver's errors."""
        async with budget.attempt():
            await self._container.create_item(document, no_response=True)

    async def create_all(self, documents: Sequence[Document], *, partition: str, budget: Budget) -> None:
        """Store all documents or, on the real service, none. Tried once; raises the driver's errors."""
        # The SDK takes conditions out of the list it is given, so each attempt gets one of its own.
        operations = [("create", (document,)) for document in documents]
        async with budget.attempt():
            await self._container.execute_item_batch(operations, partition_key=partition)

    async def create_unless_there(self, document: Document) -> Document | None:
        """Store one document and return it as stored; `None` if its id is taken, be it by our own attempt before."""

        async def create() -> Document | None:
            try:
                return dict(await self._container.create_item(document))
            except CosmosResourceExistsError:
                return None

        return await run(self.budget("create a session"), create)

    async def put(self, document: Document) -> Document:
        """Store one document, in the place of any with its id, and return it as stored."""

        async def put() -> Document:
            return dict(await self._container.upsert_item(document))

        return await run(self.budget("store an item"), put)

    async def patch(self, document: Document, *, values: Document, without: Sequence[str] = ()) -> Document | None:
        """Set fields of a stored document to absolute values, take others away, and return it as it is now.

        `None` if it was changed or deleted since it was read, or changed by this very request, whose first reply was lost.
        """
        operations = [{"op": "set", "path": f"/{name}", "value": value} for name, value in values.items()]
        operations += [{"op": "remove", "path": f"/{name}"} for name in without]

        async def patch() -> Document | None:
            try:
                changed = await self._container.patch_item(
                    document["id"],
                    partition_key=document["session_id"],
                    patch_operations=operations,
                    etag=document["_etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
            except CosmosAccessConditionFailedError:
                return None
            except CosmosResourceNotFoundError as error:
                if not is_missing_item(error):
                    raise
                return None
            return dict(changed)

        return await run(self.budget("change an item"), patch)

    async def delete(self, document_id: str, *, partition: str) -> None:
        """Delete one document, if it is still there."""

        async def delete() -> None:
            try:
                await self._container.delete_item(document_id, partition_key=partition)
            except CosmosResourceNotFoundError as error:
                if not is_missing_item(error):
                    raise

        await run(self.budget("delete an item"), delete)
