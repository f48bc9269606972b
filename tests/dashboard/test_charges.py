"""What a page cost at a store that charges is in the log; with one that does not, nothing is."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator

import pytest
from django.test import AsyncClient

from chatlog import SessionStore
from dashboard.feeds import hub
from dashboard.stores import use_store
from tests.cosmos.fixtures import open_double_store
from tests.factories import make_drafts, make_session


@pytest.fixture
async def charging_store() -> AsyncIterator[SessionStore]:
    async with open_double_store() as opened:
        with use_store(opened):
            yield opened
            await hub.current.get().close()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "chatlog.charges"]


@pytest.mark.django_db(transaction=True)
async def test_a_page_and_a_search_say_what_they_cost(
    charging_store: SessionStore, browser: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    session = await charging_store.create_session(make_session())
    await charging_store.append_messages(session.session_id, make_drafts(3))
    caplog.set_level(logging.INFO, logger="chatlog.charges")
    await browser.get(f"/sessions/{session.session_id}/")
    await browser.get("/search/", {"q": "remark"})
    page, search = lines(caplog)
    assert re.fullmatch(rf"GET /sessions/{session.session_id}/: \d+\.\d\d RU \(1 query, 1 read\)", page)
    assert re.fullmatch(r"GET /search/: \d+\.\d\d RU \(\d+ query, \d+ query plan, 1 read\)", search)


@pytest.mark.django_db(transaction=True)
async def test_a_path_keeps_to_its_line(
    charging_store: SessionStore, browser: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chatlog.charges")
    await browser.get("/sessions/a%20b/")
    (line,) = lines(caplog)
    assert line.startswith("GET /sessions/a%20b/: ")


@pytest.mark.django_db(transaction=True)
async def test_what_costs_nothing_leaves_no_line(
    store: SessionStore, browser: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chatlog.charges")
    await browser.get("/")
    assert lines(caplog) == []
