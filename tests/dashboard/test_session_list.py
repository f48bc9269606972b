from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.base import SessionPage, SessionStore
from dashboard import personal
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.factories import make_drafts, make_session


async def create_finished(store: SessionStore, count: int, **values: object) -> list[Session]:
    """Sessions of the last days, oldest first."""
    long_ago = utc_now() - timedelta(days=30)
    sessions = []
    for number in range(count):
        new = make_session(title=f"Talk {number}", created_at=long_ago + timedelta(hours=number), **values)
        await store.create_session(new)
        sessions.append(await store.update_session(new.session_id, status=SessionStatus.COMPLETED))
    return sessions


def listed(html: str) -> list[str]:
    return re.findall(r'class="session"[^>]* data-session="([^"]+)"', html)


def link(html: str, rel: str) -> str:
    """Where "Older" (`next`) or "Newer" (`prev`) leads; empty at that end of the list."""
    found = re.search(rf'href="(\?[^"]*)" rel="{rel}"', html)
    return "/" + unescape(found[1]) if found else ""


def count_of(html: str) -> str:
    return re.search(r'id="count">([^<]*)<', html)[1]


def chips_of(html: str) -> dict[str, str]:
    """The words of each chip, and where it leads."""
    found = re.findall(r'<a class="chip" href="([^"]*)"><span class="chip-name">([^<]*)</span>(?: <bdi>([^<]*)</bdi>)?', html)
    return {f"{name} {words}".strip(): unescape(address) for address, name, words in found}


async def read(browser: AsyncClient, path: str) -> str:
    response = await browser.get(path)
    assert response.status_code == 200
    return response.content.decode()


def ids(sessions: Sequence[Session]) -> list[str]:
    return [session.session_id for session in sessions]


async def test_the_list_is_newest_first_with_what_runs_on_top(browser: AsyncClient, store: SessionStore) -> None:
    finished = await create_finished(store, 3)
    running = await store.create_session(make_session(title="いま話し中", created_at=utc_now() - timedelta(seconds=90)))
    await store.append_messages(running.session_id, make_drafts(2))
    response = await browser.get("/")
    html = response.content.decode()
    assert response.status_code == 200
    assert listed(html) == [running.session_id, *reversed(ids(finished))]
    assert html.index("Running now") < html.index("いま話し中") < html.index("Earlier") < html.index("Talk 2")
    assert 'ws-connect="/ws/sessions/"' in html


async def test_older_pages_follow_without_a_gap_or_a_double(browser: AsyncClient, store: SessionStore) -> None:
    sessions = await create_finished(store, 120)
    path, seen = "/", list[str]()
    for expected in (50, 50, 20):
        html = (await browser.get(path)).content.decode()
        assert len(listed(html)) == expected
        seen += listed(html)
        path = link(html, "next")
    assert path == ""
    assert seen == list(reversed(ids(sessions)))


async def test_an_older_page_is_not_live_and_leads_back(browser: AsyncClient, store: SessionStore) -> None:
    await create_finished(store, 51)
    older = link((await browser.get("/")).content.decode(), "next")
    html = (await browser.get(older)).content.decode()
    assert "ws-connect" not in html
    assert re.search(r'href="/">\s*Newest', html)


async def test_without_sessions_the_page_says_how_to_make_one(browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get("/")
    assert response.status_code == 200
    assert "make demo" in response.content.decode()
    assert "chatlog.Recorder(" in response.content.decode()


@pytest.mark.parametrize("cursor", ["", "x", "%00", "W10", "ｘ", "a" * 5000, "eyJ4IjoxfQ", "WzEsMl0"])
async def test_a_cursor_that_no_list_gave_out_is_a_page_that_helps(
    cursor: str, browser: AsyncClient, store: SessionStore
) -> None:
    response = await browser.get("/", {"cursor": cursor})
    assert response.status_code == 400
    html = response.content.decode()
    assert "Start from the first page" in html
    assert 'href="/"' in html


async def test_a_store_that_is_away_is_a_page_that_says_so(browser: AsyncClient) -> None:
    with use_store(AwayStore()):
        response = await browser.get("/")
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "The disk is asleep" in response.content.decode()


async def test_somebody_unknown_is_asked_to_log_in_and_comes_back(store: SessionStore, transactional_db: None) -> None:
    response = await AsyncClient().get("/?cursor=abc")
    assert response.status_code == 302
    address = urlsplit(response["Location"])
    assert address.path == "/login/"
    assert parse_qs(address.query)["next"] == ["/?cursor=abc"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
async def test_the_list_can_only_be_read(method: str, browser: AsyncClient, store: SessionStore) -> None:
    assert (await getattr(browser, method)("/")).status_code == 405


async def test_long_titles_are_cut_and_japanese_ones_whole(browser: AsyncClient, store: SessionStore) -> None:
    await store.create_session(make_session(title="長" * 500))
    await store.create_session(make_session(task="空間を共有する\n二行目"))
    html = (await browser.get("/")).content.decode()
    assert f"<bdi>{'長' * 119}…</bdi>" in html
    assert "<bdi>空間を共有する</bdi>" in html


# Ids beyond ASCII are tried in a browser: Django's AsyncClient decodes paths as Latin-1, which no server does.
@pytest.mark.parametrize("session_id", ["a b&c=d", "100%", "100%25", "a+b", "<b>", "q\"'"])
async def test_every_id_leads_to_its_page(session_id: str, browser: AsyncClient, store: SessionStore) -> None:
    await store.create_session(make_session(session_id=session_id, title="This one"))
    path = re.search(r'class="title" href="([^"]+)"', (await browser.get("/")).content.decode())[1]
    response = await browser.get(path.replace("&amp;", "&").replace("&#x27;", "'"))
    assert response.status_code == 200
    assert "This one" in response.content.decode()


# -- pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "tag=a%26b&q=talk&starred=1"])
async def test_pages_lead_both_ways_under_the_same_filter(query: str, browser: AsyncClient, store: SessionStore) -> None:
    sessions = await create_finished(store, 120, tags=["a&b"])
    expected = list(reversed(ids(sessions)))
    pages = [expected[:50], expected[50:100], expected[100:]]
    path = "/?" + query
    for number, page in enumerate(pages):
        html = await read(browser, path)
        assert listed(html) == page
        assert bool(link(html, "prev")) == (number > 0)
        assert count_of(html) == "120 sessions"
        path = link(html, "next") or path
        assert urlsplit(path).query.startswith(query)
    for page in reversed(pages[:-1]):
        path = link(html, "prev")
        assert urlsplit(path).query.startswith(query)
        html = await read(browser, path)
        assert listed(html) == page
    assert link(html, "prev") == ""


async def test_a_store_that_does_not_count_is_not_made_to(
    browser: AsyncClient, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_nothing(store, monkeypatch)
    await create_finished(store, 60)
    html = await read(browser, "/")
    assert count_of(html) == "the newest 50, and more"
    assert count_of(await read(browser, link(html, "next"))) == ""  # the others are neither the newest nor are there more


def count_nothing(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    list_sessions = store.list_sessions

    async def list_without_total(**asked: object) -> SessionPage:
        return replace(await list_sessions(**asked), total=None)

    monkeypatch.setattr(store, "list_sessions", list_without_total)


async def test_newest_leads_from_an_older_page_to_the_first_under_the_filter(browser: AsyncClient, store: SessionStore) -> None:
    await create_finished(store, 51)
    older = link(await read(browser, "/?q=talk"), "next")
    html = await read(browser, older)
    assert re.search(r'href="/\?q=talk">\s*Newest', html)
    assert chips_of(html) == {"Task or title talk": "/"}


async def test_a_cursor_of_the_whole_list_is_good_under_a_filter(browser: AsyncClient, store: SessionStore) -> None:
    sessions = await create_finished(store, 60)
    tagged = await store.update_session(sessions[3].session_id, tags=["kept"])
    older = link(await read(browser, "/"), "next")
    assert listed(await read(browser, f"{older}&tag=kept")) == [tagged.session_id]


# -- one person's ---------------------------------------------------------------------------------------------------------


async def test_starred_sessions_come_first_the_last_star_on_top_and_once(
    browser: AsyncClient, user: User, store: SessionStore
) -> None:
    sessions = ids(await create_finished(store, 60))
    for starred in (sessions[1], sessions[57]):  # of the second page, and of the first
        await personal.set_star(user, starred, is_starred=True)
    html = await read(browser, "/?starred=1")
    newest = list(reversed(sessions))[:50]
    assert listed(html) == [sessions[57], sessions[1], *(one for one in newest if one != sessions[57])]
    assert html.index(">Starred</h2>") < html.index(f'data-session="{sessions[57]}"')
    assert count_of(html) == count_of(await read(browser, "/"))


async def test_stars_are_shown_in_their_place_if_they_are_not_to_come_first(
    browser: AsyncClient, user: User, store: SessionStore
) -> None:
    sessions = ids(await create_finished(store, 3))
    await personal.set_star(user, sessions[0], is_starred=True)
    html = await read(browser, "/")
    assert listed(html) == list(reversed(sessions))
    assert ">Starred</h2>" not in html
    assert re.findall(r'aria-pressed="(\w+)"', html) == ["false", "false", "true"]


async def test_somebody_elses_stars_and_marks_are_not_shown(browser: AsyncClient, store: SessionStore) -> None:
    [session] = await create_finished(store, 1)
    await store.append_messages(session.session_id, make_drafts(3))
    other = await User.objects.acreate_user("bob", password="a long enough secret")
    await personal.set_star(other, session.session_id, is_starred=True)
    await personal.note_read(other, session.session_id, 1)
    html = await read(browser, "/?starred=1")
    assert 'aria-pressed="true"' not in html
    assert "data-read" not in html
    assert new_in(html) == [""]


def new_in(html: str) -> list[str]:
    return re.findall(r'<span class="new"[^>]*>([^<]*)</span>', html)


async def test_a_row_says_what_is_new_since_they_left(browser: AsyncClient, user: User, store: SessionStore) -> None:
    finished = await create_finished(store, 3)
    for session, read_up_to in zip(finished, (2, 5, None), strict=True):
        await store.append_messages(session.session_id, make_drafts(5))
        if read_up_to is not None:
            await personal.note_read(user, session.session_id, read_up_to)
    html = await read(browser, "/")
    assert new_in(html) == ["", "", "3 new"]  # never opened; all read; two of five read
    assert len(re.findall(r'<span class="new" hidden>', html)) == 2
    assert re.findall(r'data-count="5" data-read="(\d)"', html) == ["5", "2"]


async def test_what_is_new_and_starred_is_told_on_older_pages_too(
    browser: AsyncClient, user: User, store: SessionStore
) -> None:
    oldest = (await create_finished(store, 51))[0].session_id
    await store.append_messages(oldest, make_drafts(1500))
    await personal.note_read(user, oldest, 1)
    await personal.set_star(user, oldest, is_starred=True)
    html = await read(browser, link(await read(browser, "/"), "next"))
    assert new_in(html) == ["1,499 new"]
    assert 'aria-pressed="true"' in html
