from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import AsyncClient
from django.utils import timezone, translation

from chatlog.storage.base import SessionStore
from dashboard import fragments
from dashboard.list_filters import read_filter
from dashboard.locale import ViewerLocale, read_locale, read_zone
from dashboard.script_words import script_words
from dashboard.wording import say_ago, say_duration
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
    assert where.since.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 10, 25)


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
