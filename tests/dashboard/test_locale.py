from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.http import QueryDict
from django.test import AsyncClient
from django.utils import timezone, translation

from chatlog.domain.filters import EVERYTHING
from chatlog.services.recording import record_messages
from chatlog.storage.base import SessionStore
from dashboard import fragments
from dashboard.feeds import hub
from dashboard.feeds.viewer import Viewer
from dashboard.list_filters import read_filter
from dashboard.locale import ViewerLocale, read_locale, read_zone
from dashboard.script_words import script_words
from dashboard.signals import ChannelSignals
from dashboard.sockets import codes
from dashboard.wording import say_ago, say_duration
from tests.dashboard.conftest import OpenSocket
from tests.factories import make_draft, make_message, make_session

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
TIME = re.compile(r"<time [^>]*>([^<]*)</time>")
HOSTILE = [
    "",
    "../../etc/passwd",
    "/etc/localtime",
    "Asia/Tokyo\x00",
    "Nowhere/City",
    "asia/tokyo ",
    "A" * 10_000,
    "'; --",
]


def language_of(page: str) -> str:
    found = re.search(r'<html lang="([^"]+)"', page)
    assert found
    return found[1]


# -- what a browser asks for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("fr-CH, fr;q=0.9, ja;q=0.2", "ja"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
        ("ja;q=nonsense", "en"),
    ],
)
async def test_a_page_and_its_socket_speak_the_language_the_browser_asks_for(
    asked: str, shown: str, transactional_db: None
) -> None:
    response = await AsyncClient().get("/login/", headers={"accept-language": asked})
    assert language_of(response.content.decode()) == response["Content-Language"] == shown
    assert read_locale(cookies={}, accept_language=asked).language == shown


@pytest.mark.parametrize("asked", ["ja", "en"])
async def test_the_switch_wins_over_the_browser_and_leads_back(asked: str, transactional_db: None) -> None:
    client = AsyncClient()
    other = {"ja": "en", "en": "ja"}[asked]
    response = await client.post("/language/", {"language": other, "next": "/login/?next=/search/"})
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/search/")
    assert int(response.cookies[settings.LANGUAGE_COOKIE_NAME]["max-age"]) > 300 * 24 * 3600
    page = await client.get("/login/", headers={"accept-language": asked})
    assert language_of(page.content.decode()) == other
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    assert read_locale(cookies=cookies, accept_language=asked).language == other


@pytest.mark.parametrize(
    ("language", "next_address"), [("xx", "/login/"), ("ja", "//evil.example/"), ("ja", "https://evil.example/")]
)
async def test_the_switch_knows_its_languages_and_leads_nowhere_else(
    language: str, next_address: str, transactional_db: None
) -> None:
    client = AsyncClient()
    response = await client.post("/language/", {"language": language, "next": next_address})
    assert response["Location"] in {"/", "/login/"}
    assert (settings.LANGUAGE_COOKIE_NAME in response.cookies) == (language == "ja")


async def test_the_switch_needs_the_token_of_the_page(transactional_db: None) -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    assert (await client.post("/language/", {"language": "ja"})).status_code == 403


@pytest.mark.parametrize("name", ["Asia/Tokyo", "Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Asia/Kathmandu"])
def test_the_zone_is_the_one_the_browser_named(name: str) -> None:
    assert read_zone({"timezone": name}) == name


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_zone_that_is_none_changes_nothing(name: str, browser: AsyncClient, store: SessionStore) -> None:
    browser.cookies["timezone"] = name
    response = await browser.get("/")
    assert response.status_code == 200
    assert f'data-zone="{settings.TIME_ZONE}"' in response.content.decode()
    assert read_zone({"timezone": name}) == settings.TIME_ZONE


# -- pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "clock"), [("Asia/Tokyo", "21:00:00"), ("UTC", "12:00:00"), ("Asia/Kathmandu", "17:45:00")])
async def test_a_page_shows_times_in_the_viewers_zone_and_names_it(
    zone: str, clock: str, browser: AsyncClient, store: SessionStore
) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft(timestamp=NOON)])
    browser.cookies["timezone"] = zone
    page = (await browser.get(f"/sessions/{session.session_id}/")).content.decode()
    assert clock in TIME.findall(page)
    assert f"<span data-zone-name>{zone}</span>" in page
    assert f'data-zone="{zone}"' in page


async def test_each_answer_has_the_zone_of_its_own_request(browser: AsyncClient, store: SessionStore) -> None:
    for zone in ("Asia/Tokyo", "", "Europe/Berlin", ""):
        browser.cookies["timezone"] = zone
        page = (await browser.get("/")).content.decode()
        assert f'data-zone="{zone or settings.TIME_ZONE}"' in page


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "2026-03-29 01:59:59 CET"),
        (datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC), "2026-03-29 03:00:00 CEST"),
        (datetime(2026, 10, 25, 0, 30, 0, tzinfo=UTC), "2026-10-25 02:30:00 CEST"),
        (datetime(2026, 10, 25, 1, 30, 0, tzinfo=UTC), "2026-10-25 02:30:00 CET"),
    ],
)
async def test_the_days_on_which_clocks_change(at: datetime, shown: str) -> None:
    with ViewerLocale("en", "Europe/Berlin").activate():
        [row] = await fragments.render_rows([make_message(timestamp=at)], previous=None)
    assert f'title="{shown}"' in row


def test_a_day_of_the_filter_is_a_day_of_the_zone_also_when_it_has_25_hours() -> None:
    where = read_filter(QueryDict("from=2026-10-25&to=2026-10-25"), zone=ZoneInfo("Europe/Berlin")).where
    assert where.since is not None
    assert where.until is not None
    assert where.since.astimezone(UTC) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert where.until.astimezone(UTC) - where.since.astimezone(UTC) == timedelta(hours=25)
    assert where.since.date() == date(2026, 10, 25)


async def test_a_row_is_kept_for_each_language_and_zone() -> None:
    message = make_message(timestamp=NOON, kind="tool_call")
    rows = []
    for locale in (
        ViewerLocale("en", "UTC"),
        ViewerLocale("ja", "UTC"),
        ViewerLocale("ja", "Asia/Tokyo"),
        ViewerLocale("en", "UTC"),
    ):
        with locale.activate():
            rows += await fragments.render_rows([message], previous=None)
    assert rows[0] == rows[3]
    assert len(set(rows)) == 3


# -- words and figures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "duration", "ago"),
    [
        (0, "0秒", "たった今"),
        (59, "59秒", "たった今"),
        (300, "5分", "5分前"),
        (7380, "2時間3分", "2時間前"),
        (86_400, "1日", "1日前"),
        (273_600, "3日4時間", "3日前"),
    ],
)
def test_lengths_of_time_in_japanese(seconds: int, duration: str, ago: str) -> None:
    with translation.override("ja"):
        length = timedelta(seconds=seconds)
        assert (say_duration(length), say_ago(length)) == (duration, ago)


def test_scripts_get_their_words_in_the_active_language_with_their_places() -> None:
    with translation.override("en"):
        english = script_words()
    with translation.override("ja"):
        japanese = script_words()
    assert english["day"] == {"one": "{n} day", "other": "{n} days"}
    assert japanese["day"] == {"one": "{n}日", "other": "{n}日"}
    assert english.keys() == japanese.keys()
    assert [key for key in english if english[key] == japanese[key]] == []
    for key, words in english.items():
        assert set(re.findall(r"\{\w+\}", str(words))) == set(re.findall(r"\{\w+\}", str(japanese[key]))), key


def test_a_locale_ends_where_it_ends() -> None:
    before = translation.get_language(), timezone.get_current_timezone_name()
    with ViewerLocale("ja", "Asia/Tokyo").activate():
        assert (translation.get_language(), timezone.get_current_timezone_name()) == ("ja", "Asia/Tokyo")
    assert (translation.get_language(), timezone.get_current_timezone_name()) == before


# -- live -----------------------------------------------------------------------------------------------------------------


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
