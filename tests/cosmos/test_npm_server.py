"""How the npm server deviates from the service; if one of these fails, its new version has changed, and its list with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError, CosmosResourceNotFoundError

from chatlog.storage.cosmos.container import INDEXING_POLICY
from tests.cosmos.fixtures import create_container, npm_endpoint, settings_for
from tests.cosmos.test_double import item


@pytest.fixture
async def container() -> AsyncIterator[ContainerProxy]:
    async with create_container(settings_for(npm_endpoint(), key="YW55IGtleQ==")) as created:
        yield created


async def ids(container: ContainerProxy) -> list[str]:
    query = "SELECT * FROM c WHERE c.session_id = 's'"
    return [row["id"] async for row in container.query_items(query, partition_key="s")]


async def test_a_missing_item_is_answered_with_404_as_mended(container: ContainerProxy) -> None:
    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("nothing", "s")


async def test_its_batches_are_not_atomic(container: ContainerProxy) -> None:
    await container.create_item(item(1))
    batch = [("create", (item(0),)), ("create", (item(1),)), ("create", (item(2),))]
    with pytest.raises(CosmosBatchOperationError) as raised:
        await container.execute_item_batch(batch, partition_key="s")
    assert [response["statusCode"] for response in raised.value.operation_responses] == [201, 409, 424]
    assert sorted(await ids(container)) == ["i0", "i1"]


async def test_its_batches_know_no_patch(container: ContainerProxy) -> None:
    await container.create_item(item(1))
    with pytest.raises(CosmosHttpResponseError, match="not supported in Batch"):
        await container.execute_item_batch(
            [("patch", ("i1", [{"op": "set", "path": "/number", "value": 2}]))], partition_key="s"
        )


async def test_it_looks_at_no_size(container: ContainerProxy) -> None:
    await container.create_item(item(1, text="x" * 2_100_000))
    await container.execute_item_batch([("create", (item(number),)) for number in range(2, 103)], partition_key="s")
    assert len(await ids(container)) == 102


async def test_a_partition_query_must_name_the_key(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="missing partition keys"):
        [row async for row in container.query_items("SELECT * FROM c", partition_key="s")]


async def test_an_index_serves_the_reverse_order_as_mended() -> None:
    async with create_container(settings_for(npm_endpoint()), indexing_policy=INDEXING_POLICY) as container:
        for number in range(3):
            await container.create_item(item(number, created_at="same"))
        text = "SELECT c.id FROM c WHERE c.session_id = 's' ORDER BY c.created_at {0}, c.id {0}"
        orders = {
            way: [row["id"] async for row in container.query_items(text.format(way), partition_key="s")]
            for way in ("ASC", "DESC")
        }
        assert orders == {"ASC": ["i0", "i1", "i2"], "DESC": ["i2", "i1", "i0"]}
        with pytest.raises(CosmosHttpResponseError, match="composite index"):
            mixed = text.replace("c.id {0}", "c.id DESC").format("ASC")
            [row async for row in container.query_items(mixed, partition_key="s")]


async def test_it_has_unique_keys_and_etags_like_the_service(container: ContainerProxy) -> None:
    await container.create_item(item(1, message_id="same"))
    with pytest.raises(CosmosHttpResponseError) as raised:
        await container.create_item(item(2, message_id="same"))
    assert raised.value.status_code == 409
