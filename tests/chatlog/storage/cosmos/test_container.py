"""Creating the container, or finding out what another one lacks."""

from __future__ import annotations

import pytest

from chatlog.errors import ConfigurationError, StorageDenied
from chatlog.storage.cosmos.container import INDEXING_POLICY
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for


async def test_a_missing_container_is_created_as_it_should_be(double: Double) -> None:
    settings = settings_for(double.endpoint)
    async with CosmosSessionStore(settings, tuning=QUICK):
        properties = double.gateway.databases[settings.database_name][settings.container_name].properties
    assert properties["partitionKey"]["paths"] == ["/session_id"]
    assert properties["uniqueKeyPolicy"] == {"uniqueKeys": [{"paths": ["/message_id"]}]}
    assert properties["defaultTtl"] == -1
    indexing = properties["indexingPolicy"]
    assert {"path": "/content/?"} in indexing["excludedPaths"]
    assert {"path": "/metadata/*"} in indexing["excludedPaths"]
    assert not any("search_text" in path["path"] for path in indexing["excludedPaths"])
    indexes = [[(part["path"], part["order"]) for part in index] for index in indexing["compositeIndexes"]]
    assert indexes == [[(path, "descending"), ("/id", "descending")] for path in ("/created_at", "/timestamp")]


async def test_a_good_container_is_only_looked_at(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings, indexing_policy=INDEXING_POLICY, default_ttl=-1):
        double.journal.requests.clear()
        double.gateway.may_create = False
        async with CosmosSessionStore(settings, tuning=QUICK):
            assert not [request for request in double.journal.requests if request.startswith("post")]
            assert not [record for record in caplog.records if record.name.startswith("chatlog")]


async def test_where_creating_is_not_allowed_it_says_what_to_create(double: Double) -> None:
    double.gateway.may_create = False
    store = CosmosSessionStore(settings_for(double.endpoint, container_name="talks"), tuning=QUICK)
    with pytest.raises(StorageDenied, match=r"tests/talks does not exist.*az cosmosdb sql container create.*--name talks"):
        await store.ping()
    await store.aclose()


async def test_a_container_with_another_partition_key_is_refused(double: Double) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings, partition_key="/task"):
        store = CosmosSessionStore(settings, tuning=QUICK)
        with pytest.raises(ConfigurationError, match=r"partition key \['/task'\].*COSMOSDB_CONTAINER_NAME"):
            await store.ping()
        await store.aclose()


async def test_what_a_container_lacks_is_named(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings, unique_keys=False, default_ttl=86_400), CosmosSessionStore(settings, tuning=QUICK):
        assert "no unique key on /message_id" in caplog.text
        assert "no composite index on (created_at DESC, id DESC); listing" in caplog.text
        assert "no composite index on (timestamp DESC, id DESC); searching" in caplog.text
        assert "deletes every item after 86400 seconds" in caplog.text


async def test_a_container_that_lets_nothing_expire_is_named(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK):
        assert "no time to live switched on" in caplog.text
        assert "default time to live to -1" in caplog.text


@pytest.mark.parametrize("operation", ["account", "get colls", "get dbs", "post dbs", "post colls"])
@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "answer", "answer_after_commit"])
async def test_opening_gets_over_one_failure_anywhere(double: Double, operation: str, kind: str) -> None:
    double.inject(operation, kind)
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK) as store:
        assert (await store.list_sessions()).items == ()
