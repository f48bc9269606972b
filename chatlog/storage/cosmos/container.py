"""The container: made as it should be, or only looked at where making is not allowed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from chatlog.config import CosmosSettings
from chatlog.errors import ConfigurationError, StorageDenied
from chatlog.storage.cosmos.errors import is_creating_refused

logger = logging.getLogger(__name__)

PARTITION_KEY_PATH = "/session_id"
UNIQUE_KEY_PATH = "/message_id"
_NEWEST_FIRST = [{"path": "/created_at", "order": "descending"}, {"path": "/id", "order": "descending"}]
_LATEST_FIRST = [{"path": "/timestamp", "order": "descending"}, {"path": "/id", "order": "descending"}]

# Everything is indexed but long or shapeless values, and those that are only read: a text is found by its search form.
INDEXING_POLICY: dict[str, Any] = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [
        *({"path": path} for path in ("/content/?", "/letters/?", "/task/?", "/metadata/*", "/activity/*", '/"_etag"/?'))
    ],
    # Lists go by the first, searches by the second.
    "compositeIndexes": [_NEWEST_FIRST, _LATEST_FIRST],
}
UNIQUE_KEY_POLICY: dict[str, Any] = {"uniqueKeys": [{"paths": [UNIQUE_KEY_PATH]}]}
# -1: nothing expires by itself, but an item may be given a time to live of its own.
DEFAULT_TTL = -1


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What an existing container can do for us."""

    has_unique_message_ids: bool
    has_list_index: bool
    has_search_index: bool
    lets_items_expire: bool


async def open_container(client: CosmosClient, settings: CosmosSettings) -> tuple[ContainerProxy, ContainerFacts]:
    """The container and what it can do; it is created if it is missing. May be repeated after any failure.

    Raises:
        StorageDenied: it is missing, and this identity may not create it.
        ConfigurationError: it is there, with another partition key.
    """
    container = client.get_database_client(settings.database_name).get_container_client(settings.container_name)
    try:
        properties = await container.read()
    except CosmosResourceNotFoundError:
        await _create(client, settings)
        properties = await container.read()
    return container, _examine(properties, settings)


async def _create(client: CosmosClient, settings: CosmosSettings) -> None:
    try:
        await _create_database(client, settings.database_name)
        await _create_container(client, settings)
    except CosmosHttpResponseError as error:
        if not is_creating_refused(error):
            raise
        raise StorageDenied(_how_to_create(settings)) from error
    logger.info("Created the container %s/%s.", settings.database_name, settings.container_name)


async def _create_database(client: CosmosClient, name: str) -> None:
    try:
        await client.get_database_client(name).read()
    except CosmosResourceNotFoundError:
        try:
            await client.create_database(name)
        except CosmosResourceExistsError:
            logger.debug("The database %s was made by somebody else just now, or by a request whose reply was lost.", name)


async def _create_container(client: CosmosClient, settings: CosmosSettings) -> None:
    try:
        # No throughput is asked for: serverless accounts refuse it, others have a default.
        await client.get_database_client(settings.database_name).create_container(
            settings.container_name,
            PartitionKey(path=PARTITION_KEY_PATH),
            indexing_policy=INDEXING_POLICY,
            unique_key_policy=UNIQUE_KEY_POLICY,
            default_ttl=DEFAULT_TTL,
        )
    except CosmosResourceExistsError:
        logger.debug("The container %s was made by somebody else just now.", settings.container_name)


def _how_to_create(settings: CosmosSettings) -> str:
    return (
        f"The container {settings.database_name}/{settings.container_name} does not exist, and this identity may not create it "
        "(Microsoft Entra ID never may, through data requests). Create it once, for example with "
        f"az cosmosdb sql container create --database-name {settings.database_name} --name {settings.container_name} "
        f"--partition-key-path {PARTITION_KEY_PATH} --ttl {DEFAULT_TTL} --unique-key-policy "
        '\'{"uniqueKeys":[{"paths":["/message_id"]}]}\' …, or start once with COSMOSDB_KEY.'
    )


def _examine(properties: Mapping[str, Any], settings: CosmosSettings) -> ContainerFacts:
    name = f"{settings.database_name}/{settings.container_name}"
    paths = properties.get("partitionKey", {}).get("paths")
    if paths != [PARTITION_KEY_PATH]:
        raise ConfigurationError(
            f"The container {name} has the partition key {paths}; chatlog needs {PARTITION_KEY_PATH}, which cannot be changed "
            "afterwards. Set COSMOSDB_CONTAINER_NAME to another container."
        )
    facts = ContainerFacts(
        has_unique_message_ids=_has_unique_key(properties),
        has_list_index=_has_composite_index(properties, _NEWEST_FIRST),
        has_search_index=_has_composite_index(properties, _LATEST_FIRST),
        lets_items_expire=properties.get("defaultTtl") is not None,
    )
    _warn_of_what_is_missing(facts, properties, name)
    return facts


def _has_unique_key(properties: Mapping[str, Any]) -> bool:
    keys = (properties.get("uniqueKeyPolicy") or {}).get("uniqueKeys") or []
    return any(key.get("paths") == [UNIQUE_KEY_PATH] for key in keys)


def _has_composite_index(properties: Mapping[str, Any], wanted: Sequence[Mapping[str, str]]) -> bool:
    for index in (properties.get("indexingPolicy") or {}).get("compositeIndexes") or []:
        orders = {part.get("order", "ascending") for part in index}
        # An index serves its own order and the reverse of it.
        if [part.get("path") for part in index] == [part["path"] for part in wanted] and len(orders) == 1:
            return True
    return False


def _warn_of_what_is_missing(facts: ContainerFacts, properties: Mapping[str, Any], name: str) -> None:
    if not facts.has_unique_message_ids:
        logger.warning(
            "The container %s has no unique key on %s. Each save looks its message id up first (two requests instead of one), "
            "and two processes that send one message at the same moment may store it twice. "
            "Unique keys can only be set when a container is created.",
            *(name, UNIQUE_KEY_PATH),
        )
    for is_there, fields, deed in (
        (facts.has_list_index, "created_at DESC, id DESC", "listing"),
        (facts.has_search_index, "timestamp DESC, id DESC", "searching"),
    ):
        if not is_there:
            logger.warning("The container %s has no composite index on (%s); %s costs more.", name, fields, deed)
    if not facts.lets_items_expire:
        logger.warning(
            "The container %s has no time to live switched on, so that deleted sessions stay until `manage.py prune` removes "
            "them. Set its default time to live to %d (on, nothing expires by itself).",
            *(name, DEFAULT_TTL),
        )
    elif (lifetime := int(properties["defaultTtl"])) > 0:
        logger.warning("The container %s deletes every item after %d seconds (its default time to live).", name, lifetime)
