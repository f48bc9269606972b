"""Prometheus gets its figures with the token, and nobody gets anything without."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import AsyncClient, RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from chatlog import SessionStore, StorageUnavailable
from chatlog.domain.counters import Counters
from chatlog.domain.ledger import RequestFigures
from chatlog.errors import StorageFull
from chatlog.services.recording import NoSignals, record_messages
from dashboard import metrics
from dashboard.feeds import session_feed
from dashboard.middleware import ErrorPages
from dashboard.signals import ChannelSignals
from dashboard.stores import use_store
from tests.cosmos.fixtures import open_double_store
from tests.factories import make_draft, make_drafts, make_session

TOKEN = "a token of some length"
DOCUMENT = (Path(__file__).parents[2] / "docs/metrics.md").read_text()


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Counters:
    """Counters that nobody has counted with yet."""
    fresh = Counters()
    for module in (
        *("dashboard.metrics", "dashboard.middleware", "dashboard.signals", "dashboard.feeds.session_feed"),
        *("dashboard.feeds.polled_feed", "chatlog.services.recording", "chatlog.storage.cosmos.charges"),
    ):
        monkeypatch.setattr(f"{module}.counters", fresh)
    return fresh


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def samples_of(text: str) -> dict[str, float]:
    """Each figure by its name and labels, as Prometheus reads them."""
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape() -> dict[str, float]:
    response = await AsyncClient().get("/metrics", headers=with_token(TOKEN))
    assert response.status_code == 200
    return samples_of(response.content.decode())


# No database is allowed in this test: nothing may ask for a login session.
async def test_with_the_token_the_figures_come_without_a_login_session(store: SessionStore, token: str) -> None:
    response = await AsyncClient().get("/metrics", headers=with_token(token))
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.upper()}", TOKEN),
        *(f"Basic {TOKEN}", "Bearer \u00e4\u00f6", "Bearer " + "x" * 5000, f"Token {TOKEN}"),
    ],
)
async def test_without_it_nothing_comes(store: SessionStore, token: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await AsyncClient().get("/metrics", headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert "chatlog_" not in response.content.decode()
    assert not response.cookies


async def test_a_login_is_no_token(store: SessionStore, token: str, browser: AsyncClient) -> None:
    assert (await browser.get("/metrics")).status_code == 401


@pytest.mark.parametrize("given", ["", "anything"])
async def test_without_the_setting_there_is_no_such_page(store: SessionStore, settings: Any, given: str) -> None:
    settings.METRICS_TOKEN = ""
    assert (await AsyncClient().get("/metrics", headers=with_token(given))).status_code == 404


def test_the_token_is_compared_in_constant_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.views import metrics as view

    settings.METRICS_TOKEN = TOKEN
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr(view, "constant_time_compare", lambda one, other: compared.append((one, other)) or one == other)
    assert view._has_token(RequestFactory().get("/", headers=with_token(TOKEN)))
    assert compared == [(TOKEN, TOKEN)]


@pytest.mark.parametrize(("token_text", "count"), [("", 0), ("short", 1), (TOKEN, 0)])
def test_a_token_that_can_be_guessed_is_warned_of(settings: Any, token_text: str, count: int) -> None:
    settings.METRICS_TOKEN = token_text
    assert len([message for message in run_checks() if message.id == "dashboard.W002"]) == count


async def test_saves_are_counted_with_their_time_and_their_failures(
    store: SessionStore, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session())
    await record_messages(store, NoSignals(), session_id=session.session_id, drafts=make_drafts(3))
    await record_messages(store, NoSignals(), session_id=session.session_id, drafts=[make_draft()])

    async def fail(*_: object) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(store, "append_messages", fail)
    with pytest.raises(StorageFull):
        await record_messages(store, NoSignals(), session_id=session.session_id, drafts=[make_draft()])
    figures = await scrape()
    assert figures["chatlog_messages_saved_total"] == 4
    assert figures["chatlog_save_seconds_count"] == figures["chatlog_save_seconds_bucket[+Inf]"] == 2
    assert figures["chatlog_save_seconds_sum"] > 0
    assert figures["chatlog_save_failures_total[StorageFull]"] == 1
    assert figures["chatlog_waiting[saves]"] == 0


@pytest.mark.django_db(transaction=True)
async def test_open_pages_are_counted_while_they_are_open(store: SessionStore, token: str, open_socket: Any) -> None:
    session = await store.create_session(make_session())
    for _ in range(2):
        socket = open_socket(f"/ws/sessions/{session.session_id}/?after=0")
        assert (await socket.connect())[0]
    assert (await scrape())["chatlog_viewers"] == 2
    await socket.disconnect()
    assert (await scrape())["chatlog_viewers"] == 1


async def test_lost_hints_are_counted(token: str, counted: Counters, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        async def group_send(self, *_: object) -> None:
            raise ConnectionError

    monkeypatch.setattr("dashboard.signals.get_layer", Broken)
    signals = ChannelSignals()
    signals.notify("s")
    await asyncio.gather(*signals._sending.values())
    assert counted.read().signals_lost == signals.failures == 1


@pytest.mark.django_db(transaction=True)
async def test_news_that_nobody_told_of_are_counted_as_healed(
    store: SessionStore, counted: Counters, open_socket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create_session(make_session())
    monkeypatch.setattr(session_feed.SessionFeed, "wake", lambda _: None)  # neither hints nor the store's watcher
    socket = open_socket(f"/ws/sessions/{session.session_id}/?after=0")
    await socket.connect()
    await socket.receive_from(timeout=10)  # the state: from here on the page is in step
    await store.append_messages(session.session_id, [make_draft(content="unheard of")])
    async with asyncio.timeout(10):
        while "unheard of" not in await socket.receive_from(timeout=10):
            pass
    assert counted.read().signals_healed == 1


async def test_pages_that_the_store_cannot_answer_are_counted(counted: Counters) -> None:
    pages = ErrorPages(lambda _: None)
    request = RequestFactory().get("/")
    request.user = None
    pages.process_exception(request, StorageUnavailable("away"))
    assert pages.process_exception(request, RuntimeError()) is None
    assert counted.read().store_errors == {"StorageUnavailable": 1}


@pytest.mark.django_db(transaction=True)
async def test_request_units_are_told_by_their_kind(token: str) -> None:
    async with open_double_store() as opened:
        with use_store(opened):
            session = await opened.create_session(make_session())
            await opened.append_messages(session.session_id, make_drafts(3))
            figures = await scrape()
    assert figures["chatlog_request_units_total[create]"] == 6
    assert figures["chatlog_requests_total[batch]"] == 1
    assert figures["chatlog_requests_throttled_total[batch]"] == 0
    assert figures["chatlog_request_seconds_total[create]"] > 0
    assert figures["chatlog_waiting[saves]"] == 0


async def test_figures_come_without_a_store(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOSDB_ENDPOINT", "nonsense")
    figures = await scrape()
    assert "chatlog_waiting[saves]" not in figures
    assert figures["chatlog_viewers"] == 0


def test_labels_and_numbers_beyond_all_bounds_stay_readable(counted: Counters) -> None:
    counted.note_request('x"\n\\y', RequestFigures(10**30, 1e300, 0, 1e-300))
    counted.note_save(messages=10**30, seconds=1e300)
    figures = samples_of(metrics.tell(store=None, viewers=0, unacknowledged=0).decode())
    assert figures['chatlog_request_units_total[x"\n\\y]'] == 1e300
    assert figures["chatlog_save_seconds_bucket[+Inf]"] == 1


def test_every_figure_has_its_row_in_the_document(counted: Counters) -> None:
    counted.note_request("read", RequestFigures(1))
    counted.note_save_failure(StorageFull("full"))
    counted.note_store_error(StorageFull("full"))
    text = metrics.tell(store=None, viewers=0, unacknowledged=0).decode()
    told = set(re.findall(r"^# TYPE (chatlog_\w+)", text, re.MULTILINE))
    rows = set(re.findall(r"^\| `(chatlog_\w+)", DOCUMENT, re.MULTILINE))
    assert told == rows
    assert len(told) == 12
