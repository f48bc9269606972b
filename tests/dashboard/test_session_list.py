from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import AsyncClient

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.base import SessionStore
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.factories import make_drafts, make_session


async def create_finished(store: SessionStore, count: int) -> list[Session]:
    """Sessions of the last days, oldest first."""
    long_ago = utc_now() - timedelta(days=30)
    sessions = []
    for number in range(count):
        new = make_session(title=f"Talk {number}", created_at=long_ago + timedelta(hours=number))
        await store.create_session(new)
        sessions.append(await store.update_session(new.session_id, status=SessionStatus.COMPLETED))
    return sessions


def listed(html: str) -> list[str]:
    return re.findall(r'class="session"[^>]* data-session="([^"]+)"', html)


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
        older = re.search(r'href="(\?cursor=[^"]+)"', html)
        path = "/" + older[1] if older else ""
    assert path == ""
    assert seen == list(reversed(ids(sessions)))


async def test_an_older_page_is_not_live_and_leads_back(browser: AsyncClient, store: SessionStore) -> None:
    await create_finished(store, 51)
    older = re.search(r'href="(\?cursor=[^"]+)"', (await browser.get("/")).content.decode())[1]
    html = (await browser.get("/" + older)).content.decode()
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
