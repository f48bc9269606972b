from __future__ import annotations

import json
import re
from unittest.mock import AsyncMock

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from chatlog.domain.models import SessionStatus
from chatlog.services.recording import record_change, record_messages
from chatlog.storage.base import SessionStore
from dashboard import consumers
from dashboard.feeds import hub
from dashboard.locale import default_locale
from dashboard.routing import websocket_urlpatterns
from dashboard.signals import ChannelSignals
from dashboard.sockets import codes, registry
from tests.dashboard.conftest import OpenSocket
from tests.factories import make_drafts, make_session

ROW = re.compile(r'\bid="message-(\d+)"')


async def closing_code(socket: WebsocketCommunicator) -> int:
    """The code the socket is closed with, past the words that go ahead."""
    while (message := await socket.receive_output(timeout=5))["type"] != "websocket.close":
        assert message["type"] in {"websocket.accept", "websocket.send"}
    return int(message["code"])


async def shown(socket: WebsocketCommunicator, *, up_to: int) -> list[int]:
    numbers: list[int] = []
    while up_to not in numbers:
        message = await socket.receive_output(timeout=5)
        numbers += [int(number) for number in ROW.findall(message.get("text", ""))]
    return numbers


async def test_a_page_gets_what_it_lacks_and_then_what_is_said(open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(5))
    socket = open_socket(f"/ws/sessions/{session.session_id}/?after=2")
    assert (await socket.connect())[0]
    assert await shown(socket, up_to=5) == [3, 4, 5]
    await record_messages(store, ChannelSignals(), session_id=session.session_id, drafts=make_drafts(1))
    assert await shown(socket, up_to=6) == [6]


async def test_a_change_of_status_arrives(open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    socket = open_socket(f"/ws/sessions/{session.session_id}/?after=0")
    await socket.connect()
    before = await socket.receive_from(timeout=5)
    await record_change(store, ChannelSignals(), session_id=session.session_id, status=SessionStatus.FAILED)
    assert await socket.receive_from(timeout=5) != before


async def test_the_list_comes_whole_and_then_row_by_row(open_socket: OpenSocket, store: SessionStore) -> None:
    first, second = [await store.create_session(make_session(title=f"Talk {number}")) for number in (1, 2)]
    socket = open_socket("/ws/sessions/")
    await socket.connect()
    whole = await socket.receive_from(timeout=5)
    assert first.session_id in whole
    assert second.session_id in whole
    await record_change(store, ChannelSignals(), session_id=first.session_id, title="Renamed talk")
    row = await socket.receive_from(timeout=5)
    assert first.session_id in row
    assert second.session_id not in row
    third = await store.create_session(make_session())
    whole = await socket.receive_from(timeout=5)
    assert all(session.session_id in whole for session in (first, second, third))


@pytest.mark.parametrize("number", range(len(websocket_urlpatterns)))
async def test_no_socket_route_serves_somebody_who_is_not_logged_in(
    number: int, open_socket: OpenSocket, store: SessionStore
) -> None:
    paths = {"live-session-list": "/ws/sessions/", "live-session": "/ws/sessions/any/", "live-wall": "/ws/live/"}
    paths["live-unknown"] = "/ws/else"
    socket = open_socket(paths[websocket_urlpatterns[number].name], cookie="")  # KeyError: a new route needs its path here
    await socket.connect()
    assert await closing_code(socket) == codes.LOGGED_OUT


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ws/sessions/x/?after=-1", codes.BAD_REQUEST),
        ("/ws/sessions/x/?after=1e3", codes.BAD_REQUEST),
        ("/ws/sessions/x/?after=", codes.NOT_FOUND),  # an empty value is none
        ("/ws/sessions/x/?after=" + "9" * 17, codes.BAD_REQUEST),
        ("/ws/sessions/x/?after=" + "9" * 100_000, codes.BAD_REQUEST),
        ("/ws/sessions/x/?after=٣", codes.BAD_REQUEST),
        ("/ws/sessions/x/?after=1&after=2", codes.BAD_REQUEST),
        ("/ws/sessions/" + "x" * 300 + "/", codes.BAD_REQUEST),
        ("/ws/sessions/a\x01b/", codes.BAD_REQUEST),
        ("/ws/sessions/nobody/?after=0", codes.NOT_FOUND),
        ("/ws/elsewhere/", codes.NOT_FOUND),
        ("/", codes.NOT_FOUND),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_a_code(
    path: str, code: int, open_socket: OpenSocket, store: SessionStore
) -> None:
    socket = open_socket(path)
    assert (await socket.connect())[0]
    assert await closing_code(socket) == code


async def test_a_cursor_beyond_the_store_makes_the_page_reload(open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    socket = open_socket(f"/ws/sessions/{session.session_id}/?after=9007199254740991")
    await socket.connect()
    assert await closing_code(socket) == codes.RELOAD


ORIGINS = {
    "http://testserver": True,
    "https://testserver": False,
    "http://testserver:80": False,
    "http://testserver:9999": False,
    "ftp://testserver": False,
    "ws://testserver": False,
    "http://www.testserver": False,
    "http://testserver.evil.example": False,
    "http://eviltestserver": False,
    "http://evil.example": False,
    "http://testserver@evil.example": False,
    "http://user@testserver": False,
    "http://testserver/": False,
    "http://testserver\\.evil.example": False,
    "HTTP://TESTSERVER": False,
    "http://tеstserver": False,  # a Cyrillic е
    "http://xn--tstserver-h4h": False,
    "null": False,
    "": False,
    "testserver": False,
    None: False,
}


@pytest.mark.parametrize("path", ["/ws/sessions/", "/ws/sessions/any/", "/ws/else"])
@pytest.mark.parametrize("origin", ORIGINS, ids=str)
async def test_only_a_page_of_this_very_site_opens_a_socket(
    origin: str | None, path: str, open_socket: OpenSocket, store: SessionStore
) -> None:
    socket = open_socket(path, origin=origin)
    connected, _ = await socket.connect()
    assert connected is ORIGINS[origin]


async def test_a_name_that_points_here_but_is_not_ours_is_no_own_origin(open_socket: OpenSocket, store: SessionStore) -> None:
    socket = open_socket("/ws/sessions/", origin="http://rebound.example", host="rebound.example")
    assert not (await socket.connect())[0]


async def test_a_trusted_origin_opens_a_socket(open_socket: OpenSocket, store: SessionStore, settings: object) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://chatlog.example.org"]
    socket = open_socket("/ws/sessions/", origin="https://chatlog.example.org")
    assert (await socket.connect())[0]


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "[]",
        "{}",
        '{"received": "1"}',
        '{"received": -1}',
        '{"received": true}',
        "[" * 1000,
        '{"received": 1.5}',
        " " * 2000,
    ],
)
async def test_whatever_is_no_acknowledgement_ends_the_socket(said: str, open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    socket = open_socket(f"/ws/sessions/{session.session_id}/")
    await socket.connect()
    await socket.send_to(text_data=said)
    assert await closing_code(socket) == codes.BAD_REQUEST


async def test_bytes_end_the_socket_and_an_acknowledgement_does_not(open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(1))
    socket = open_socket(f"/ws/sessions/{session.session_id}/")
    await socket.connect()
    assert await shown(socket, up_to=1) == [1]
    await socket.send_to(text_data=json.dumps({"received": 1}))
    await store.append_messages(session.session_id, make_drafts(1))
    assert await shown(socket, up_to=2) == [2]
    await socket.send_to(bytes_data=b"\x00")
    assert await closing_code(socket) == codes.BAD_REQUEST


async def log_out(browser: AsyncClient, user: User) -> None:
    await browser.alogout()


async def change_password(browser: AsyncClient, user: User) -> None:
    user.set_password("quite another secret")
    await user.asave()


async def deactivate(browser: AsyncClient, user: User) -> None:
    user.is_active = False
    await user.asave()


async def delete(browser: AsyncClient, user: User) -> None:
    await user.adelete()


@pytest.mark.parametrize("end_login", [log_out, change_password, deactivate, delete])
async def test_a_socket_ends_with_the_login_it_was_opened_with(
    *,
    end_login: object,
    open_socket: OpenSocket,
    store: SessionStore,
    browser: AsyncClient,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "CHECK_SECONDS", 0.02)
    session = await store.create_session(make_session())
    sockets = [open_socket(path) for path in ("/ws/sessions/", f"/ws/sessions/{session.session_id}/")]
    for socket in sockets:
        await socket.connect()
    await registry.current.get().check()
    assert len(registry.current.get()._sockets) == 2  # the login is good: they stay
    await end_login(browser, user)
    for socket in sockets:
        assert await closing_code(socket) == codes.LOGGED_OUT


async def test_a_check_asks_the_same_two_questions_for_any_number_of_sockets(
    open_socket: OpenSocket, store: SessionStore
) -> None:
    for _ in range(10):
        await open_socket("/ws/sessions/").connect()
    capture = CaptureQueriesContext(connection)  # of the thread that Django's queries run in
    await sync_to_async(capture.__enter__)()
    await registry.current.get().check()
    await sync_to_async(capture.__exit__)(None, None, None)
    assert await sync_to_async(len)(capture) == 2


async def test_one_person_has_a_limited_number_of_sockets(
    open_socket: OpenSocket, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MAX_PER_USER", 2)
    sockets = [open_socket("/ws/sessions/") for _ in range(3)]
    for socket in sockets:
        await socket.connect()
    assert await closing_code(sockets[2]) == codes.TOO_MANY
    await sockets[0].disconnect()
    again = open_socket("/ws/sessions/")
    await again.connect()
    assert (await again.receive_output(timeout=5))["type"] == "websocket.send"


async def test_feeds_and_checks_go_away_with_the_last_viewer(open_socket: OpenSocket, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    sockets = [open_socket(path) for path in ("/ws/sessions/", f"/ws/sessions/{session.session_id}/")]
    for socket in sockets:
        await socket.connect()
    live = hub.current.get()
    assert live._feeds
    for socket in sockets:
        await socket.disconnect()
    assert not live._feeds
    assert not live._pages
    assert live._hints is live._watcher is None
    assert registry.current.get()._checking is None


async def test_whoever_is_gone_already_is_dismissed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    socket, left = consumers.LiveSocket(), []
    socket.locale, socket.base_send = default_locale(), AsyncMock(side_effect=ConnectionResetError)
    monkeypatch.setattr(socket, "_leave", lambda: left.append(socket))
    await socket.dismiss(codes.TOO_SLOW, "This connection takes no more.")  # or the feed of all the others would fail
    assert left == [socket]


async def test_consumers_use_no_channel_of_their_own() -> None:
    assert all(kind.channel_layer_alias == "" for kind in (consumers.SessionConsumer, consumers.SessionListConsumer))
