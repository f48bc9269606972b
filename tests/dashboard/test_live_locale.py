"""Live frames in the language and zone of each viewer."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient

from chatlog.domain.filters import EVERYTHING
from chatlog.services.recording import record_messages
from chatlog.storage.base import SessionStore
from dashboard.feeds import hub
from dashboard.feeds.viewer import Viewer
from dashboard.locale import ViewerLocale
from dashboard.signals import ChannelSignals
from dashboard.sockets import codes
from tests.dashboard.conftest import OpenSocket
from tests.factories import make_draft, make_session

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
TIME = re.compile(r"<time [^>]*>([^<]*)</time>")


def open_as(open_socket: OpenSocket, browser: AsyncClient, path: str, *, language: str, zone: str) -> WebsocketCommunicator:
    login = browser.cookies[settings.SESSION_COOKIE_NAME].value
    return open_socket(path, cookie=f"{login}; {settings.LANGUAGE_COOKIE_NAME}={language}; timezone={zone}")


async def until(socket: WebsocketCommunicator, wanted: str) -> str:
    """The first frame with that in it."""
    while wanted not in (frame := (await socket.receive_output(timeout=5)).get("text", "")):
        pass
    return str(frame)


async def test_two_viewers_of_one_session_are_each_told_in_their_language_and_zone(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore
) -> None:
    session = await store.create_session(make_session())
    address = f"/ws/sessions/{session.session_id}/?after=0"
    pages = {
        "21:00:00": open_as(open_socket, browser, address, language="ja", zone="Asia/Tokyo"),
        "13:00:00": open_as(open_socket, browser, address, language="en", zone="Europe/Berlin"),
    }
    words = {"21:00:00": "ツール呼び出し", "13:00:00": "tool call"}
    for socket in pages.values():
        assert (await socket.connect())[0]
        await until(socket, "session-state")
    assert len(hub.current.get()._feeds[session.session_id]) == 2
    for number, kind in enumerate(("tool_call", "tool_call"), start=1):
        await record_messages(
            store, ChannelSignals(), session_id=session.session_id, drafts=[make_draft(timestamp=NOON, kind=kind)]
        )
        for clock, socket in pages.items():
            frame = await until(socket, f'id="message-{number}"')
            assert clock in TIME.findall(frame)
            assert words[clock] in frame


async def test_feeds_speak_for_their_viewers_whoever_asked_for_them(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft(timestamp=NOON, kind="tool_call")])
    live = hub.current.get()
    for language, clock, words in (("ja", "21:00:00", "ツール呼び出し"), ("en", "21:00:00", "tool call")):
        for cursor in (0, 0):  # the second joins a feed that is there
            frames: asyncio.Queue[dict[str, str]] = asyncio.Queue()
            viewer = Viewer(send=frames.put, close=no_close, locale=ViewerLocale(language, "Asia/Tokyo"), cursor=cursor)
            live.watch_session(session.session_id, viewer)
            frame = (await asyncio.wait_for(frames.get(), 5))["text"]
            assert clock in TIME.findall(frame)
            assert words in frame
    for language, words in (("ja", "実行中"), ("en", "running")):
        frames = asyncio.Queue()
        live.watch_list(EVERYTHING, Viewer(send=frames.put, close=no_close, locale=ViewerLocale(language, "UTC")))
        assert words in (await asyncio.wait_for(frames.get(), 5))["text"]


async def no_close(code: int, text: str) -> None:
    raise AssertionError(text)


async def test_whoever_catches_up_is_told_in_their_language_too(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore
) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft(timestamp=NOON, kind="tool_call") for _ in range(30)])
    address = f"/ws/sessions/{session.session_id}/?after=0"
    english = open_as(open_socket, browser, address, language="en", zone="UTC")
    japanese = open_as(open_socket, browser, address, language="ja", zone="Asia/Tokyo")
    for socket, word in ((english, "tool call"), (japanese, "ツール呼び出し")):
        await socket.connect()
        assert word in await until(socket, 'id="message-30"')


async def test_the_list_is_followed_in_the_viewers_language(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore
) -> None:
    await store.create_session(make_session())
    for language, word in (("ja", "実行中"), ("en", "running")):
        socket = open_as(open_socket, browser, "/ws/sessions/", language=language, zone="UTC")
        await socket.connect()
        assert word in await until(socket, "session-groups")


async def test_why_a_socket_is_refused_is_said_in_the_viewers_language(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore
) -> None:
    socket = open_as(open_socket, browser, "/ws/sessions/?from=2026-13-01&to=2026-14-01&status=x", language="ja", zone="UTC")
    await socket.connect()
    assert "日付" in await until(socket, "trouble")
    closing = await socket.receive_output(timeout=5)
    assert closing["code"] == codes.BAD_REQUEST
    assert len(closing["reason"].encode()) <= 123


async def test_the_different_lists_that_are_followed_are_bounded(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_LIST_FEEDS", 1)
    first, same, other = (open_socket(path) for path in ("/ws/sessions/?tag=a", "/ws/sessions/?tag=a", "/ws/sessions/?tag=b"))
    for socket in (first, same):
        await socket.connect()
        await until(socket, "session-groups")
    await other.connect()
    await until(other, "trouble")
    assert (await other.receive_output(timeout=5))["code"] == codes.TOO_MANY


async def test_feeds_of_all_languages_go_with_their_last_viewer(
    open_socket: OpenSocket, browser: AsyncClient, store: SessionStore
) -> None:
    session = await store.create_session(make_session())
    address = f"/ws/sessions/{session.session_id}/?after=0"
    sockets = [open_as(open_socket, browser, address, language=language, zone="UTC") for language in ("ja", "en")]
    for socket in sockets:
        await socket.connect()
        await until(socket, "session-state")
    live = hub.current.get()
    await sockets[0].disconnect()
    assert [locale.language for locale in live._feeds[session.session_id]] == ["en"]
    assert live._hints is not None
    await sockets[1].disconnect()
    assert not live._feeds
    assert live._hints is None
