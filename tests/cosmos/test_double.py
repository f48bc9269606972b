"""The double refuses what the service refuses, seen through the real SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ThroughputProperties
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError, CosmosResourceNotFoundError

from chatlog.storage.cosmos.container import INDEXING_POLICY
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import create_container, settings_for

OTHER_KEY = "YW5vdGhlcg=="
TWO_ORDERS = "SELECT * FROM c ORDER BY c.created_at DESC, c.id DESC"


@pytest.fixture
async def container(double: Double) -> AsyncIterator[ContainerProxy]:
    async with create_container(settings_for(double.endpoint)) as created:
        yield created


def item(number: int = 1, *, session_id: str = "s", **values: Any) -> dict[str, Any]:
    return {"id": f"i{number}", "session_id": session_id, "message_id": f"m{session_id}{number}", "number": number} | values


def creations(count: int, **values: Any) -> list[tuple[str, tuple[dict[str, Any]]]]:
    return [("create", (item(number, **values),)) for number in range(count)]


async def refused(call: Any) -> tuple[int, int | None]:
    with pytest.raises((CosmosHttpResponseError, CosmosBatchOperationError)) as raised:
        await call
    return raised.value.status_code, raised.value.sub_status


async def rows(container: ContainerProxy, text: str, **options: Any) -> list[Any]:
    return [row async for row in container.query_items(text, **options)]


async def test_another_key_is_refused(double: Double) -> None:
    async with create_container(settings_for(double.endpoint)) as container:
        double.gateway.key = OTHER_KEY
        assert await refused(container.create_item(item())) == (401, None)


@pytest.mark.parametrize("bad_id", ["a?b", "a#b", "x" * 1024])
async def test_an_id_it_cannot_hold_is_refused(container: ContainerProxy, bad_id: str) -> None:
    # The SDK looks at some of them itself, so they travel inside a batch.
    batch = [("create", (item(id=bad_id),))]
    assert (await refused(container.execute_item_batch(batch, partition_key="s")))[0] == 400


async def test_items_over_two_megabytes_are_refused(container: ContainerProxy) -> None:
    assert await refused(container.create_item(item(text="x" * 2_100_000))) == (413, None)


async def test_batches_have_their_limits(container: ContainerProxy) -> None:
    assert await refused(container.execute_item_batch(creations(101), partition_key="s")) == (400, None)
    large = creations(3, text="x" * 700_000)
    assert await refused(container.execute_item_batch(large, partition_key="s")) == (413, None)
    assert await rows(container, "SELECT * FROM c", partition_key="s") == []


async def test_a_batch_happens_wholly_or_not_at_all(container: ContainerProxy) -> None:
    await container.create_item(item(1))
    batch = [("create", (item(0),)), ("create", (item(1),)), ("create", (item(2),))]
    with pytest.raises(CosmosBatchOperationError) as raised:
        await container.execute_item_batch(batch, partition_key="s")
    assert [response["statusCode"] for response in raised.value.operation_responses] == [424, 409, 424]
    assert [row["id"] for row in await rows(container, "SELECT * FROM c", partition_key="s")] == ["i1"]


async def test_a_condition_in_a_batch_undoes_it(container: ContainerProxy) -> None:
    await container.create_item(item(1))
    patch = ("patch", ("i1", [{"op": "set", "path": "/number", "value": 9}]), {"filter_predicate": "FROM c WHERE c.number = 2"})
    assert (await refused(container.execute_item_batch([*creations(1), patch], partition_key="s")))[0] == 412
    assert len(await rows(container, "SELECT * FROM c", partition_key="s")) == 1


async def test_unique_keys_hold_within_a_logical_partition(container: ContainerProxy) -> None:
    await container.create_item(item(1, message_id="same"))
    assert await refused(container.create_item(item(2, message_id="same"))) == (409, None)
    await container.create_item(item(2, session_id="other", message_id="same"))
    absent = {"session_id": "s"}
    await container.create_item({"id": "a", **absent})
    assert await refused(container.create_item({"id": "b", **absent})) == (409, None)
    await container.delete_item("i1", partition_key="s")
    await container.create_item(item(2, message_id="same"))


async def test_a_change_of_something_changed_is_refused(container: ContainerProxy) -> None:
    stored = await container.create_item(item())
    operations = [{"op": "set", "path": "/number", "value": 2}]
    guard = {"etag": stored["_etag"], "match_condition": MatchConditions.IfNotModified}
    await container.patch_item("i1", "s", operations, **guard)
    assert await refused(container.patch_item("i1", "s", operations, **guard)) == (412, None)
    assert await refused(container.replace_item("i1", item(), **guard)) == (412, None)
    condition = {"filter_predicate": "FROM c WHERE c.number = 1"}
    assert await refused(container.patch_item("i1", "s", operations, **condition)) == (412, None)


async def test_an_upsert_takes_the_place_of_what_is_there(container: ContainerProxy) -> None:
    first = await container.upsert_item(item(1))
    second = await container.upsert_item(item(1, text="x"))
    assert (second["_rid"], second["text"]) == (first["_rid"], "x")
    assert second["_etag"] != first["_etag"]
    with pytest.raises(CosmosHttpResponseError) as raised:
        await container.upsert_item(item(2, message_id=first["message_id"]))
    assert raised.value.status_code == 409


async def test_a_patch_has_at_most_ten_operations(container: ContainerProxy) -> None:
    await container.create_item(item())
    operations = [{"op": "set", "path": f"/field{number}", "value": 1} for number in range(11)]
    assert await refused(container.patch_item("i1", "s", operations)) == (400, None)
    assert "field0" not in await container.read_item("i1", "s")


async def test_order_by_two_properties_needs_a_composite_index(double: Double, container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="composite index"):
        await rows(container, TWO_ORDERS, partition_key="s")
    with pytest.raises(CosmosHttpResponseError, match="composite index"):
        await rows(container, TWO_ORDERS)
    async with create_container(settings_for(double.endpoint), indexing_policy=INDEXING_POLICY) as indexed:
        assert await rows(indexed, TWO_ORDERS) == []
        assert await rows(indexed, TWO_ORDERS.replace("DESC", "ASC")) == []
        with pytest.raises(CosmosHttpResponseError, match="composite index"):
            await rows(indexed, TWO_ORDERS.replace("c.id DESC", "c.id ASC"))


async def test_partitions_are_merged_by_the_sdk_and_named_aggregates_are_not(container: ContainerProxy) -> None:
    for number in range(10):
        await container.create_item(item(number, session_id=f"s{number}"))
    listed = await rows(container, "SELECT * FROM c ORDER BY c.number DESC", max_item_count=3)
    assert [row["number"] for row in listed] == list(reversed(range(10)))
    assert await rows(container, "SELECT VALUE COUNT(1) FROM c") == [10]
    with pytest.raises(CosmosHttpResponseError, match="Cross partition query only supports"):
        await rows(container, "SELECT COUNT(1) AS n, SUM(c.number) AS total FROM c")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c WHERE NOPE(c.id)",
        "SELECT * FROM c WHERE x.id = 1",
        "SELECT ; FROM c",
    ],
)
async def test_what_is_no_query_is_refused(container: ContainerProxy, text: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as raised:
        await rows(container, text, partition_key="s")
    assert raised.value.status_code == 400


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("c.number >= 1 AND c.number < 3", [1, 2]),
        ("c.text = null", [3]),
        ("NOT IS_DEFINED(c.text)", [1]),
        ("IS_NULL(c.text) OR c.text = 'x'", [2, 3]),
        ("NOT (c.text = 'x')", []),  # of another type, or missing: neither equal nor unequal
        ("c.text >= 'a'", [2]),
        ("ARRAY_CONTAINS(@list, c.number)", [1, 3]),
        ("CONTAINS(c.id, 'I', true) AND (c.number = 1 OR c.number = 2)", [1, 2]),
        ("CONTAINS(c.id, 'I')", []),
        ("CONTAINS(LOWER(c.text), 'x') OR LOWER(c.text) = 'y'", [2]),
        ("ARRAY_CONTAINS(c.text, 'x')", []),
        ("@flag = true AND c.number = 1", [1]),
        ("c.text ?? c.id = 'i1'", [1]),  # null is a value
    ],
)
async def test_conditions_know_missing_values(container: ContainerProxy, condition: str, found: list[int]) -> None:
    for number, values in enumerate(({}, {"text": "x"}, {"text": None}), 1):
        await container.create_item(item(number, **values))
    parameters = [{"name": "@list", "value": [1, 3]}, {"name": "@flag", "value": True}]
    listed = await rows(container, f"SELECT VALUE c.number FROM c WHERE {condition}", parameters=parameters, partition_key="s")
    assert sorted(listed) == found


async def test_a_projection_is_merged_from_both_partitions(double: Double) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings, indexing_policy=INDEXING_POLICY) as container:
        for number in range(6):
            await container.create_item(item(number, session_id=f"s{number}", created_at=f"{number}"))
        text = "SELECT c.id, c.number AS n, c.absent FROM c WHERE c.number > 0 ORDER BY c.created_at ASC, c.id ASC"
        assert await rows(container, text) == [{"id": f"i{number}", "n": number} for number in range(1, 6)]


async def test_items_expire_only_where_that_is_switched_on(double: Double, container: ContainerProxy) -> None:
    for number, ttl in enumerate((10, -1)):
        await container.create_item(item(number, ttl=ttl))
    await container.create_item(item(2))
    (kept,) = double.gateway.databases["tests"].values()
    kept.seconds_ahead = 11
    assert len(await rows(container, "SELECT * FROM c", partition_key="s")) == 3
    for default, left in ((-1, ["i1", "i2"]), (5, ["i1"])):
        kept.properties["defaultTtl"] = default
        assert [row["id"] for row in await rows(container, "SELECT * FROM c", partition_key="s")] == left
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item("i0", "s")


@pytest.mark.parametrize("ttl", [0, -2, 1.5, "10", None, True])
async def test_a_time_to_live_that_is_none_is_refused(container: ContainerProxy, ttl: object) -> None:
    assert await refused(container.create_item(item(ttl=ttl))) == (400, None)


async def test_only_what_is_there_can_be_removed(container: ContainerProxy) -> None:
    await container.create_item(item(text="x"))
    operations = [{"op": "remove", "path": "/text"}]
    assert "text" not in await container.patch_item("i1", "s", operations)
    assert await refused(container.patch_item("i1", "s", operations)) == (400, None)


async def test_large_answers_come_in_pages(container: ContainerProxy) -> None:
    for number in range(5):
        await container.create_item(item(number, text="x" * 1_000_000))
    pages = container.query_items("SELECT * FROM c", partition_key="s").by_page()
    assert [len([row async for row in page]) async for page in pages] == [4, 1]


async def test_an_identity_that_may_not_create_is_told_so(double: Double, container: ContainerProxy) -> None:
    double.gateway.may_create = False
    with pytest.raises(CosmosHttpResponseError) as raised:
        async with create_container(settings_for(double.endpoint, database_name="another")):
            pass
    assert (raised.value.status_code, raised.value.sub_status) == (403, 5300)
    await container.create_item(item())


async def test_an_item_belongs_into_its_partition(container: ContainerProxy) -> None:
    batch = [("create", (item(session_id="other"),))]
    assert (await refused(container.execute_item_batch(batch, partition_key="s")))[0] == 400


async def test_requests_have_a_charge_and_throttling_a_wish(double: Double, container: ContainerProxy) -> None:
    created = await container.create_item(item())
    assert float(created.get_response_headers()["x-ms-request-charge"]) > 0
    double.inject("read", "throttle", times=1, retry_after_ms=7)
    await container.read_item("i1", "s")
    assert double.journal.requests["read"] == 2


async def test_an_offer_is_read_and_replaced_within_its_bounds(double: Double, container: ContainerProxy) -> None:
    offers = double.gateway.offers
    (kept,) = double.gateway.databases["tests"].values()
    offers.add(kept.properties, manual=400)
    assert (await container.replace_throughput(700)).offer_throughput == 700
    assert (await container.get_throughput()).offer_throughput == 700
    offers.lowest = 600
    for value in (500, 650, 1_000_100):
        assert await refused(container.replace_throughput(value)) == (400, None)
    offers.is_changing = True
    assert await refused(container.replace_throughput(800)) == (423, None)
    assert (await container.get_throughput()).offer_throughput == 700


async def test_autoscale_goes_in_thousands_and_does_not_become_manual(double: Double, container: ContainerProxy) -> None:
    (kept,) = double.gateway.databases["tests"].values()
    offer = double.gateway.offers.add(kept.properties, autoscale=1000)
    await container.replace_throughput(ThroughputProperties(auto_scale_max_throughput=3000))
    assert (await container.get_throughput()).auto_scale_max_throughput == 3000
    assert await refused(container.replace_throughput(ThroughputProperties(auto_scale_max_throughput=3500))) == (400, None)
    del offer["content"]["offerAutopilotSettings"]
    with pytest.raises(KeyError):  # the SDK itself has nothing to change
        await container.replace_throughput(ThroughputProperties(auto_scale_max_throughput=4000))


async def test_offers_are_not_for_everybody(double: Double, container: ContainerProxy) -> None:
    (kept,) = double.gateway.databases["tests"].values()
    double.gateway.offers.add(kept.properties, manual=400)
    double.gateway.offers.may = "read"
    await container.get_throughput()
    assert await refused(container.replace_throughput(500)) == (403, 5300)
    double.gateway.offers.may = "nothing"
    assert await refused(container.get_throughput()) == (403, 5300)
    double.gateway.offers.is_serverless = True
    with pytest.raises(CosmosHttpResponseError, match="serverless"):
        await container.get_throughput()


async def test_where_there_is_no_offer_the_sdk_stumbles(container: ContainerProxy) -> None:
    """Should a later SDK say what it means, `chatlog.storage.cosmos.offers` has an exception less to know."""
    with pytest.raises(AttributeError):
        await container.get_throughput()
