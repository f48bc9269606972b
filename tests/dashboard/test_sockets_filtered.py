"""The live list under filters: `/ws/sessions/?<filters>` follows what `/?<filters>` shows."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from channels.testing import WebsocketCommunicator

from chatlog.domain.clock import utc_now
from chatlog.domain.limits import STALLED_AFTER
from chatlog.domain.models import SessionStatus
from chatlog.services.recording import record_change, record_deletion, record_messages, record_restoration, record_session
from chatlog.storage.base import SessionStore
from dashboard.feeds import hub, polled_feed
from dashboard.feeds.list_feed import SessionListFeed
from dashboard.list_filters import MAX_FILTER_BYTES
from dashboard.signals import ChannelSignals
from dashboard.sockets import codes
from tests.dashboard.conftest import OpenSocket
from tests.dashboard.test_sockets import closing_code
from tests.factories import make_draft, make_session

ROW = re.compile(r'<li id="[^"]*" class="session"([^>]*) data-session="([^"]+)"')


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feeds look again at once: what is tried is what they send, not how seldom."""
    monkeypatch.setattr(polled_feed, "READ_AGAIN_SECONDS", 0.01)


async def follow(open_socket: OpenSocket, query: str) -> WebsocketCommunicator:
    socket = open_socket(f"/ws/sessions/?{query}")
    assert (await socket.connect())[0]
    return socket


async def whole_list(socket: WebsocketCommunicator) -> list[str]:
    """The sessions of the next frame, which is the list as a whole."""
    frame = await socket.receive_from(timeout=5)
    assert 'id="session-groups" hx-swap-oob="true"' in frame
    return [session_id for _, session_id in ROW.findall(frame)]


async def rows(socket: WebsocketCommunicator) -> list[str]:
    """The sessions of the next frame, which is rows for the place of those that are there."""
    found = ROW.findall(await socket.receive_from(timeout=5))
    assert found
    assert all("hx-swap-oob" in attributes for attributes, _ in found)
    return [session_id for _, session_id in found]


async def create(store: SessionStore, **values: object) -> str:
    return (await record_session(store, ChannelSignals(), session=make_session(**values))).session_id


async def test_a_new_session_that_matches_arrives_and_another_does_not(open_socket: OpenSocket, store: SessionStore) -> None:
    first = await create(store, tags=["nightly"])
    await create(store, tags=["daily"])
    socket = await follow(open_socket, "tag=nightly")
    assert await whole_list(socket) == [first]
    await create(store, tags=["daily"])
    assert await socket.receive_nothing(timeout=0.3)
    second = await create(store, tags=["daily", "nightly"])
    assert await whole_list(socket) == [second, first]


@pytest.mark.parametrize(
    "query",
    [
        "tag=nightly",
        "agent=%E4%BC%81%E7%94%BB",
        "q=%22two+words%22&status=running&status=failed",
        "from=2026-11-01&starred=1",
        "status=running",
        urlencode({"agent": "企画", "tag": "nightly", "q": "words"}),
    ],
)
async def test_every_filter_of_the_page_can_be_followed(query: str, open_socket: OpenSocket, store: SessionStore) -> None:
    matching = await create(store, title="These two words", tags=["nightly"], participants=["企画"])
    old = utc_now() - timedelta(days=9000)
    other = await create(store, title="Another", created_at=old)
    await store.update_session(other, status=SessionStatus.COMPLETED)
    socket = await follow(open_socket, query)
    assert await whole_list(socket) == [matching]


async def test_a_session_that_comes_to_match_enters_the_list(open_socket: OpenSocket, store: SessionStore) -> None:
    session_id = await create(store)
    socket = await follow(open_socket, "agent=critic")
    assert await whole_list(socket) == []
    draft = make_draft(source="critic")
    await record_messages(store, ChannelSignals(), session_id=session_id, drafts=[draft])
    assert await whole_list(socket) == [session_id]


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ("tag=nightly", {"tags": ["daily"]}),
        ("status=running", {"status": SessionStatus.COMPLETED}),
        ("q=talk", {"title": "Something else"}),
    ],
)
async def test_a_session_that_stops_matching_leaves_the_list(
    query: str, change: dict[str, object], open_socket: OpenSocket, store: SessionStore
) -> None:
    stays, leaves = [await create(store, title="Talk", tags=["nightly"]) for _ in range(2)]
    socket = await follow(open_socket, query)
    assert await whole_list(socket) == [leaves, stays]
    await record_change(store, ChannelSignals(), session_id=leaves, **change)
    assert await whole_list(socket) == [stays]


async def test_the_last_one_to_leave_leaves_words_about_the_filter(open_socket: OpenSocket, store: SessionStore) -> None:
    session_id = await create(store, tags=["nightly"])
    socket = await follow(open_socket, "tag=nightly")
    assert await whole_list(socket) == [session_id]
    await record_change(store, ChannelSignals(), session_id=session_id, tags=[])
    frame = await socket.receive_from(timeout=5)
    assert "No session has all of this" in frame
    assert "make demo" not in frame


async def test_a_session_that_is_deleted_leaves_and_one_that_is_restored_comes_back(
    open_socket: OpenSocket, store: SessionStore
) -> None:
    session_id = await create(store, tags=["nightly"])
    socket = await follow(open_socket, "tag=nightly")
    assert await whole_list(socket) == [session_id]
    await record_deletion(store, ChannelSignals(), session_id=session_id)
    assert await whole_list(socket) == []
    await record_restoration(store, ChannelSignals(), session_id=session_id)
    assert await whole_list(socket) == [session_id]


async def test_a_change_inside_the_list_is_a_row_and_one_outside_is_nothing(
    open_socket: OpenSocket, store: SessionStore
) -> None:
    inside, outside = await create(store, tags=["nightly"]), await create(store)
    socket = await follow(open_socket, "tag=nightly")
    assert await whole_list(socket) == [inside]
    await record_change(store, ChannelSignals(), session_id=outside, title="Unseen")
    assert await socket.receive_nothing(timeout=0.3)
    await record_change(store, ChannelSignals(), session_id=inside, title="Seen")
    assert await rows(socket) == [inside]


async def test_a_session_that_falls_silent_leaves_what_runs(
    open_socket: OpenSocket, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody writes, nobody tells: the list looks again by itself, and by then it has been silent for too long.
    monkeypatch.setattr(SessionListFeed, "poll_seconds", 0.05)
    begun = utc_now() - STALLED_AFTER + timedelta(seconds=1)
    session_id = await create(store, created_at=begun)
    socket = await follow(open_socket, "status=running")
    assert await whole_list(socket) == [session_id]
    assert await whole_list(socket) == []


async def test_the_day_of_the_filter_is_the_viewers(open_socket: OpenSocket, store: SessionStore) -> None:
    late = await create(store, created_at=utc_now().replace(year=2025, month=11, day=22, hour=20))
    for zone, expected in (("Asia/Tokyo", [late]), ("UTC", [])):
        socket = open_socket("/ws/sessions/?from=2025-11-23&to=2025-11-23")
        headers = dict(socket.scope["headers"])
        cookie = headers[b"cookie"] + f"; timezone={zone}".encode()
        socket.scope["headers"] = [*(headers | {b"cookie": cookie}).items()]
        assert (await socket.connect())[0]
        assert await whole_list(socket) == expected


async def test_whoever_asks_the_same_in_other_words_shares_one_feed(open_socket: OpenSocket, store: SessionStore) -> None:
    queries = ("status=failed&tag=a", "tag=a&status=failed", "tag=a&tag=+a+&status=failed&starred=1&cursor=x", "tag=a")
    for query in queries:
        await whole_list(await follow(open_socket, query))
    feeds = hub.current.get()._pages.values()
    assert [len(feed._viewers) for feed in feeds] == [3, 1]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=lost", "“lost” is no status. There are: running, stalled, completed, failed, cancelled."),
        ("from=x&to=y", "“x” is no day. Write it like 2026-11-23. “y” is no day."),
        ("from=2026-11-24&to=2026-11-23", "From 2026-11-24 to 2026-11-23 runs backwards."),
        ("starred=2", "starred=2 is not understood; use starred=1."),
        ("tag=" + "x" * 101, "is too long; the limit is 100 characters."),
        ("q=" + "x" * 10_000, "The text has 10,000 characters; the limit is 1,000."),
        ("q=" + "x" * MAX_FILTER_BYTES, "The filters have 16,386 bytes; the limit is 16,384."),
        ("tag&" * 1001, "There are more filters than 1,000."),
        ("status=%3Cb%3E", "“&lt;b&gt;” is no status."),
    ],
    ids=lambda value: value[:24],
)
async def test_a_filter_that_is_not_understood_is_refused_in_words(
    query: str, problem: str, open_socket: OpenSocket, store: SessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await follow(open_socket, query)
    words = await socket.receive_from(timeout=5)
    assert 'id="trouble"' in words
    assert problem in words
    assert await closing_code(socket) == codes.BAD_REQUEST
    assert not hub.current.get()._pages
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_the_longest_text_in_any_script_can_be_followed(open_socket: OpenSocket, store: SessionStore) -> None:
    session_id = await create(store, title="Talk")
    socket = await follow(open_socket, f"q={quote('空' * 1000)}")
    assert await whole_list(socket) == []
    await record_change(store, ChannelSignals(), session_id=session_id, title="Other")
    assert await socket.receive_nothing(timeout=0.2)


async def test_new_filters_are_refused_when_too_many_are_followed_and_known_ones_are_not(
    open_socket: OpenSocket, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_LIST_FEEDS", 2)
    for query in ("tag=a", "tag=b", "tag=a"):
        assert await whole_list(await follow(open_socket, query)) == []
    assert await closing_code(await follow(open_socket, "tag=c")) == codes.TOO_MANY
