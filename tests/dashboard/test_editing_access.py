"""Changing sessions in place: who may, what there must be, and where it leads back to."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.domain.models import Session
from chatlog.storage.base import SessionStore
from dashboard import personal
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.dashboard.test_editing import HTMX, path_of
from tests.factories import make_session

DEEDS = ("star", "edit", "delete", "restore")


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session(title="名前を決める", tags=["料金", "nightly"]))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("deed", DEEDS)
async def test_a_session_that_there_is_not_is_not_found(
    deed: str, headers: dict[str, str], browser: AsyncClient, user: User, store: SessionStore
) -> None:
    response = await browser.post(f"/sessions/nobody/{deed}", {"starred": "1", "title": "x"}, headers=headers)
    assert response.status_code == 404
    assert "There is no session" in response.content.decode()
    assert await personal.list_starred(user) == []


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_session_id_that_cannot_be_is_bad_input(deed: str, browser: AsyncClient, store: SessionStore) -> None:
    assert (await browser.post(f"/sessions/{'x' * 300}/{deed}")).status_code == 400


@pytest.mark.parametrize("deed", DEEDS)
async def test_nobody_changes_anything_without_logging_in(
    deed: str, transactional_db: None, store: SessionStore, session: Session
) -> None:
    response = await AsyncClient().post(path_of(session, deed), {"starred": "1", "title": "Mine"})
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path == "/login/"
    assert await store.get_session(session.session_id) == session


@pytest.mark.parametrize("deed", DEEDS)
async def test_nothing_changes_without_the_token_of_the_page(
    deed: str, user: User, store: SessionStore, session: Session
) -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(user)
    response = await client.post(path_of(session, deed), {"starred": "1", "title": "Mine"})
    assert response.status_code == 403
    assert await store.get_session(session.session_id) == session
    assert await personal.list_starred(user) == []


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_token_of_the_list_is_good_for_every_deed(deed: str, user: User, session: Session) -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(user)
    page = (await client.get("/")).content.decode()
    token = re.search(r'id="row-actions".*?name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    given = {"starred": "1", "title": "x", "csrfmiddlewaretoken": token[1]}
    assert (await client.post(path_of(session, deed), given)).status_code == 303


@pytest.mark.parametrize("deed", ["star", "delete", "restore"])
@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
async def test_a_link_changes_nothing(
    method: str, deed: str, browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    assert (await getattr(browser, method)(path_of(session, deed))).status_code == 405
    assert await store.get_session(session.session_id) == session


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    "back",
    [
        "//evil.example/",
        "https://evil.example/?x",
        "\\\\evil.example",
        "/search/",
        "next=https://evil.example/",
        "javascript:alert(1)",
        "cursor=abc&deleted=other",
        "%0d%0aSet-Cookie:x=1",
    ],
)
async def test_whatever_is_asked_it_leads_back_to_the_list(
    back: str, deed: str, browser: AsyncClient, session: Session
) -> None:
    given = {"back": back, "next": back, "title": "x"}
    response = await browser.post(
        f"{path_of(session, deed)}?next={quote(back)}", given, headers={"referer": "https://evil.example/"}
    )
    assert response.status_code == 303
    assert response["Location"] == (f"/?deleted={session.session_id}" if deed == "delete" else "/")


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_filters_somebody_came_with_are_kept(deed: str, browser: AsyncClient, session: Session) -> None:
    filters = "status=failed&status=stalled&agent=%E4%BC%81%E7%94%BB&tag=a%26b&from=2026-11-23&to=2026-11-24&q=a+b&starred=1"
    response = await browser.post(path_of(session, deed), {"back": f"{filters}&cursor=x", "title": "x"})
    address = urlsplit(response["Location"])
    expected = parse_qs(filters) | ({"deleted": [session.session_id]} if deed == "delete" else {})
    assert (address.path, parse_qs(address.query)) == ("/", expected)


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_longest_text_that_can_be_filtered_by_is_kept_too(deed: str, browser: AsyncClient, session: Session) -> None:
    text = "空" * 1000
    response = await browser.post(path_of(session, deed), {"back": f"q={quote(text)}", "title": "x"})
    assert parse_qs(urlsplit(response["Location"]).query)["q"] == [text]


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_store_that_is_away_says_so(deed: str, browser: AsyncClient, user: User) -> None:
    with use_store(AwayStore()):
        response = await browser.post(f"/sessions/any/{deed}", {"starred": "1"})
    assert response.status_code == 503
    assert "The disk is asleep" in response.content.decode()
    assert await personal.list_starred(user) == []
