"""One suite, every store: each test here runs on all of them and knows none.

A store over HTTP has what the API has questions for; what is about more than that is named below, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from chatlog import Session, SessionStore, open_store
from chatlog.client import RemoteStore
from tests.chatlog.client.served_site import ServedSite, served_site
from tests.cosmos.fixtures import open_double_store, open_endpoint_store, open_npm_store
from tests.factories import make_session


@asynccontextmanager
async def open_sqlite_store(folder: Path) -> AsyncIterator[SessionStore]:
    async with open_store(f"sqlite:///{folder}/chatlog.sqlite3") as store:
        yield store


STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[SessionStore]]] = {
    "sqlite": open_sqlite_store,
    "cosmos-npm": lambda _: open_npm_store(),
    "cosmos-double": lambda _: open_double_store(),
}
if os.environ.get("COSMOSDB_ENDPOINT"):  # Microsoft's emulator, or a real account
    STORES["cosmos-endpoint"] = lambda _: open_endpoint_store()


HTTP = "http"
MODULES_OVER_HTTP = {"test_messages", "test_sessions"}
NOT_OVER_HTTP = {
    "test_sending_again_stores_once_and_returns_the_original": "what comes back is what was sent, with the original's number",
    "test_activity_follows_the_messages": "the API does not tell it, and recounts nothing",
    "test_recounting_agrees_with_the_messages": "the API recounts nothing",
    "test_an_unknown_session_cannot_be_recounted": "the API recounts nothing",
    "test_pages_lead_back_to_where_they_began": "the API's lists go forwards",
    "test_a_page_that_holds_everything_knows_how_many_there_are": "the API does not count",
    "test_several_sessions_are_read_at_once_in_the_order_asked_for": "the API reads one, or a list",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        is_over_http = module in MODULES_OVER_HTTP and metafunc.function.__name__ not in NOT_OVER_HTTP
        metafunc.parametrize("store", [*STORES, HTTP] if is_over_http else list(STORES), indirect=True)


@pytest.fixture(scope="session")
def served() -> Iterator[ServedSite]:
    with served_site() as site:
        yield site


@asynccontextmanager
async def open_remote_store(site: ServedSite, folder: Path) -> AsyncIterator[RemoteStore]:
    """Over HTTP to a real site with nothing on it."""
    async with open_store(site.location) as behind:
        while sessions := (await behind.list_sessions()).items:
            for session in sessions:
                await behind.delete_session(session.session_id)
    async with RemoteStore(site.address, token=site.token, folder=folder) as store:
        yield store
        assert not store.queue.exists(), "something had to wait although the site was there"


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    if request.param == HTTP:
        opening = open_remote_store(request.getfixturevalue("served"), tmp_path)
    else:
        opening = STORES[request.param](tmp_path)
    async with opening as opened:
        yield opened


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session())
