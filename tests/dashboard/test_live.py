"""The wall: its page, and what its socket sends."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import AsyncClient

from chatlog import SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.services.recording import record_change, record_messages
from dashboard.feeds import hub, polled_feed
from dashboard.feeds.wall_feed import WallFeed
from dashboard.signals import ChannelSignals
from tests.dashboard.conftest import OpenSocket
from tests.factories import make_draft, make_session


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled_feed, "READ_AGAIN_SECONDS", 0.01)


def in_words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_the_page_shows_who_is_talking(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(title="Names & <b>prices</b>"))
    await store.append_messages(session.session_id, [make_draft(source="<i>bob", content="Too *dear*.")])
    page = (await browser.get("/live/")).content.decode()
    assert "Names &amp; &lt;b&gt;prices&lt;/b&gt;" in page
    assert "&lt;i&gt;bob" in page
    words = in_words(page)
    assert "Too *dear*." in words
    assert re.search(r"running silent for \d+ s", words)
    assert "1 remark " in words
    assert "<title>1 running · chatlog</title>" in page


async def test_a_silence_beyond_its_habit_is_said(browser: AsyncClient, store: SessionStore) -> None:
    now = utc_now()
    session = await store.create_session(make_session(created_at=now - timedelta(hours=1)))
    drafts = [make_draft(timestamp=now - timedelta(seconds=each)) for each in range(190, 90, -10)]
    await store.append_messages(session.session_id, drafts)
    words = in_words((await browser.get("/live/")).content.decode())
    assert "quiet silent for 1 min 4" in words
    assert "unusual: it is rarely silent for more than 30 s" in words


async def test_an_empty_wall_says_what_to_do(browser: AsyncClient, store: SessionStore) -> None:
    words = in_words((await browser.get("/live/")).content.decode())
    assert "Nobody is talking" in words
    assert "make demo" in words
    await store.create_session(make_session(title="Yesterday's", created_at=utc_now() - timedelta(days=1)))
    assert "The newest discussion: Yesterday" in in_words((await browser.get("/live/")).content.decode())


async def test_the_wall_comes_whole_and_then_tile_by_tile(open_socket: OpenSocket, store: SessionStore) -> None:
    one = await store.create_session(make_session(title="One"))
    two = await store.create_session(make_session(title="Two"))
    socket = open_socket("/ws/live/")
    assert (await socket.connect())[0]
    whole = await socket.receive_from(timeout=5)
    assert 'id="wall"' in whole
    assert one.session_id in whole
    assert two.session_id in whole
    await record_messages(store, ChannelSignals(), session_id=one.session_id, drafts=[make_draft(source="carol")])
    tile = await socket.receive_from(timeout=5)
    assert "carol" in tile
    assert two.session_id not in tile
    assert 'id="wall"' not in tile


async def test_who_begins_and_who_ends_is_seen(open_socket: OpenSocket, store: SessionStore) -> None:
    socket = open_socket("/ws/live/")
    await socket.connect()
    assert "Nobody is talking" in await socket.receive_from(timeout=5)
    session = await store.create_session(make_session())
    assert session.session_id in await socket.receive_from(timeout=5)
    await record_change(store, ChannelSignals(), session_id=session.session_id, status=SessionStatus.FAILED)
    ended = await socket.receive_from(timeout=5)
    assert 'data-running="0"' in ended
    assert "failed" in in_words(ended)
    assert "data-silent" not in ended


async def test_silence_is_noticed_without_anybody_saying_anything(
    open_socket: OpenSocket, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WallFeed, "poll_seconds", 0.05)
    now = utc_now()
    session = await store.create_session(make_session(created_at=now - timedelta(hours=1)))
    await store.append_messages(session.session_id, [make_draft(timestamp=now - timedelta(seconds=58))])
    socket = open_socket("/ws/live/")
    await socket.connect()
    tile = await socket.receive_from(timeout=5)
    while "quiet" not in tile:
        tile = await socket.receive_from(timeout=5)
    assert session.session_id in tile


async def test_everybody_shares_one_feed_which_goes_with_the_last_of_them(open_socket: OpenSocket, store: SessionStore) -> None:
    sockets = [open_socket("/ws/live/") for _ in range(3)]
    for socket in sockets:
        await socket.connect()
        await socket.receive_from(timeout=5)
    live = hub.current.get()
    assert len(live._pages) == 1
    for socket in sockets:
        await socket.disconnect()
    assert not live._pages
