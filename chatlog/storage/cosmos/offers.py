"""The throughput that is reserved for the container or its database: read, and set to another value."""

from __future__ import annotations

import logging
import re

from azure.cosmos import ThroughputProperties
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from chatlog.domain.throughput import Offer, OfferKind
from chatlog.errors import StorageDenied
from chatlog.storage.charging import OfferRefusal
from chatlog.storage.cosmos.errors import status_of
from chatlog.storage.cosmos.retrying import Budget, run
from chatlog.storage.cosmos.tuning import Tuning

logger = logging.getLogger(__name__)

# What the service says of a value it does not take, https://learn.microsoft.com/azure/cosmos-db/concepts-limits: the only place
# where the least it takes stands.
_BOUNDS = re.compile(r"throughput values between (\d{1,9}) and (\d{1,9})")
_LOCKED, _NOT_NOW = 423, 429


class Offers:
    """The offer of one container, or of its database if it has none of its own."""

    def __init__(self, container: ContainerProxy, database: DatabaseProxy, *, tuning: Tuning, host: str) -> None:
        self._container = container
        self._database = database
        self._tuning = tuning
        self._host = host

    async def find(self) -> Offer:
        """What is reserved. Raises `StorageDenied` if that is not for this identity to know, and other `StorageError`s."""
        try:
            own = await self._read(self._container)
            shared = None if own is not None else await self._read(self._database)
        except _NoOffersHere as answer:
            return Offer(OfferKind.SERVERLESS if answer.is_serverless else OfferKind.NONE)
        found = own or shared
        return Offer(OfferKind.NONE) if found is None else _offer(found, is_shared=own is None)

    async def replace(self, offer: Offer, throughput: int) -> OfferRefusal | None:
        """Set it to that many RU/s, of the same kind; `None` if that is done, or under way.

        Raises `StorageDenied` if that is not for this identity to do, and other `StorageError`s.
        """
        owner = self._database if offer.is_shared else self._container
        wanted: int | ThroughputProperties = throughput
        if offer.kind is OfferKind.AUTOSCALE:
            wanted = ThroughputProperties(auto_scale_max_throughput=throughput)

        async def replace() -> OfferRefusal | None:
            try:
                await owner.replace_throughput(wanted)
            except CosmosHttpResponseError as error:
                if (refusal := self._refusal(error, throughput)) is None:
                    raise
                return refusal
            return None

        return await run(Budget(self._tuning, operation="change the throughput", host=self._host), replace)

    async def _read(self, owner: ContainerProxy | DatabaseProxy) -> ThroughputProperties | None:
        async def read() -> ThroughputProperties | None:
            try:
                return await owner.get_throughput()
            except (CosmosResourceNotFoundError, AttributeError, IndexError):
                # The SDK means "there is none" by its 404/10004, and stumbles while it tries to repeat the request because of
                # it (4.17: AttributeError in _refresh_container_properties_cache).
                return None
            except CosmosHttpResponseError as error:
                if status_of(error) == 403:
                    raise self._denied("read") from error
                if status_of(error) != 400:
                    raise
                logger.info("%s tells nothing about throughput: it answered 400.", self._host)
                raise _NoOffersHere(is_serverless="serverless" in str(error)) from error

        return await run(Budget(self._tuning, operation="read the throughput", host=self._host), read)

    def _refusal(self, error: CosmosHttpResponseError, throughput: int) -> OfferRefusal | None:
        status = status_of(error)
        if status == 403:
            raise self._denied("change") from error
        if status == _LOCKED:
            return OfferRefusal("The service is still busy with an earlier change.")
        if (
            status == _NOT_NOW
        ):  # of lowering: for up to four hours, https://learn.microsoft.com/rest/api/cosmos-db/replace-an-offer
            return OfferRefusal("The service asks to wait with a change.")
        bounds = _BOUNDS.search(str(error)) if status == 400 else None
        if bounds is None:
            return None
        lowest, highest = int(bounds[1]), int(bounds[2])
        reason = f"The service does not take {throughput:,} RU/s here, only from {lowest:,} to {highest:,}"
        return OfferRefusal(f"{reason}; it counts the least from what was ever set and what is stored.", lowest=lowest)

    def _denied(self, deed: str) -> StorageDenied:
        return StorageDenied(
            f"Cosmos DB at {self._host} does not let this identity {deed} the throughput (403). Microsoft Entra ID never may, "
            "through data requests: set COSMOSDB_KEY to an account key that can write, or change it with "
            "az cosmosdb sql container throughput update."
        )


class _NoOffersHere(Exception):
    """The account, or a server that stands in for one, has no offers at all."""

    def __init__(self, *, is_serverless: bool) -> None:
        super().__init__()
        self.is_serverless = is_serverless


def _offer(properties: ThroughputProperties, *, is_shared: bool) -> Offer:
    if properties.auto_scale_max_throughput is not None:
        return Offer(OfferKind.AUTOSCALE, properties.auto_scale_max_throughput, is_shared)
    return Offer(OfferKind.MANUAL, properties.offer_throughput or 0, is_shared)
