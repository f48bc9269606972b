from __future__ import annotations

import re

import pytest
from django.test import AsyncClient

from chatlog.domain.models import Session, SessionStatus
from chatlog.services.browsing import WINDOW_MESSAGES
from chatlog.storage.base import SessionStore
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.factories import AGENTS, make_draft, make_drafts, make_session


async def create(store: SessionStore, *, messages: int = 0, **values: object) -> Session:
    session = await store.create_session(make_session(**values))
    for start in range(0, messages, 500):
        await store.append_messages(session.session_id, make_drafts(min(500, messages - start)))
    return session


def shown(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li id="message-(\d+)"', html)]


async def read(browser: AsyncClient, path: str, **headers: str) -> str:
    response = await browser.get(path, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


async def test_a_discussion_is_shown_whole_and_in_order(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=7, title="名前を決める", tags=["料金"], participants=AGENTS)
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert shown(html) == list(range(1, 8))
    assert "<h1><bdi>名前を決める</bdi></h1>" in html
    assert "空間を共有します。" in html
    assert 'data-last="7"' in html
    assert re.search(r'id="earlier"[^>]* hidden', html)
    assert all(f'data-only="{name}"' in html for name in AGENTS)
    assert '<bdi class="tag">料金</bdi>' in html


def link(html: str, side: str) -> str | None:
    """Where the link to earlier or later remarks leads; `None` at that end of the session."""
    found = re.search(rf'<p id="{side}">\s*<a class="button" href="([^"]*)"', html)
    return found[1] if found else None


@pytest.mark.parametrize(("side", "start"), [("earlier", ""), ("later", "?after=0")])
async def test_links_lead_through_a_long_discussion_without_hole_or_double(
    side: str, start: str, browser: AsyncClient, store: SessionStore
) -> None:
    session = await create(store, messages=200)
    path, seen = start, list[int]()
    while True:
        html = await read(browser, f"/sessions/{session.session_id}/{path}")
        numbers = shown(html)
        assert len(numbers) <= WINDOW_MESSAGES
        seen = numbers + seen if side == "earlier" else seen + numbers
        following = link(html, side)
        if following is None:
            break
        path = following
    assert seen == list(range(1, 201))


async def test_the_newest_part_is_shown_first(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=200)
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert shown(html) == list(range(200 - WINDOW_MESSAGES + 1, 201))
    assert link(html, "later") is None
    assert f"{200 - WINDOW_MESSAGES} before these" in html


@pytest.mark.parametrize("at", [1, 2, 100, 199, 200])
async def test_a_link_to_a_remark_shows_what_is_around_it(at: int, browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=200)
    html = await read(browser, f"/sessions/{session.session_id}/?at={at}")
    numbers = shown(html)
    assert at in numbers
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert min(at - 1, 20) <= at - numbers[0] <= WINDOW_MESSAGES
    assert (link(html, "earlier") is None) == (numbers[0] == 1)
    assert (link(html, "later") is None) == (numbers[-1] == 200)


@pytest.mark.parametrize("query", ["before=101", "after=100", "at=100", ""])
async def test_a_part_comes_alone_to_a_script_that_asks_for_one(query: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=200)
    path = f"/sessions/{session.session_id}/?{query}"
    part, whole = await read(browser, path, hx_request="true"), await read(browser, path)
    assert shown(part) == shown(whole)
    assert "<html" not in part
    assert "<html" in whole
    assert [link(part, side) for side in ("earlier", "later")] == [link(whole, side) for side in ("earlier", "later")]


async def test_a_cache_tells_the_part_from_the_page(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1)
    assert "HX-Request" in (await browser.get(f"/sessions/{session.session_id}/"))["Vary"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("at=9", "There is no remark #9 so far."),
        ("at=9007199254740991", "There is no remark #9007199254740991 so far."),
        ("after=3", "Nothing has been said after remark #3 so far."),
        ("after=99", "Nothing has been said after remark #99 so far."),
        ("before=1", "There is nothing before the first remark."),
        ("before=0", "There is nothing before the first remark."),
    ],
)
async def test_where_there_is_nothing_the_page_says_so_and_shows_the_newest(
    query: str, words: str, browser: AsyncClient, store: SessionStore
) -> None:
    session = await create(store, messages=3)
    html = await read(browser, f"/sessions/{session.session_id}/?{query}")
    assert shown(html) == [1, 2, 3]
    assert words in html
    assert shown(await read(browser, f"/sessions/{session.session_id}/?{query}", hx_request="true")) == []


async def test_past_the_end_is_the_end(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=3)
    assert shown(await read(browser, f"/sessions/{session.session_id}/?before=99")) == [1, 2, 3]


async def test_the_first_row_of_a_later_part_knows_what_was_before(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store)
    await store.append_messages(session.session_id, make_drafts(WINDOW_MESSAGES + 1, source="ann"))
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert shown(html)[0] == 2
    assert re.search(r'id="message-2" class="[^"]*joined', html)


async def test_a_discussion_without_remarks_says_so(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store)
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert re.search(r'<p id="empty" class="meta">Nothing has been said yet', html)
    assert shown(html) == []


async def test_an_unknown_discussion_is_a_page_that_says_so(browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get("/sessions/nobody<b>/")
    assert response.status_code == 404
    html = response.content.decode()
    assert "nobody&lt;b&gt;" in html
    assert 'href="/"' in html


NO_NUMBERS = ["", "x", "-1", "1.5", "1e3", "٣", "9" * 17, "9" * 5000, "9" * 16, "0x1", " 1", "1_0"]


@pytest.mark.parametrize("name", ["before", "after", "at"])
@pytest.mark.parametrize("text", NO_NUMBERS)
async def test_a_number_that_is_none_is_a_page_that_helps(
    text: str, name: str, browser: AsyncClient, store: SessionStore
) -> None:
    session = await create(store, messages=1)
    response = await browser.get(f"/sessions/{session.session_id}/", {name: text})
    assert response.status_code == 400
    html = response.content.decode()
    assert re.search(rf"{name}: |sequence: ", html)
    assert 'href="/"' in html


@pytest.mark.parametrize("path", ["/sessions/%00/", "/sessions/a%5Cb/", "/sessions/" + "x" * 300 + "/", "/sessions/%20x/"])
async def test_an_id_that_cannot_be_is_a_page_about_it(path: str, browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get(path)
    assert response.status_code in {400, 404}
    assert 'href="/"' in response.content.decode()


async def test_a_store_that_is_away_is_a_page_that_says_so(browser: AsyncClient) -> None:
    with use_store(AwayStore()):
        response = await browser.get("/sessions/any/")
    assert response.status_code == 503
    assert "The disk is asleep" in response.content.decode()


async def test_somebody_unknown_is_asked_to_log_in(store: SessionStore, transactional_db: None) -> None:
    session = await create(store, messages=1)
    response = await AsyncClient().get(f"/sessions/{session.session_id}/")
    assert response.status_code == 302
    assert response["Location"] == f"/login/?next=/sessions/{session.session_id}/"


@pytest.mark.parametrize(
    ("values", "headline", "folded"),
    [
        ({"task": "Short"}, "Short", []),
        ({"task": "One\ntwo"}, "One", ["One\ntwo"]),
        ({"task": "空" * 200}, "空" * 119 + "…", ["空" * 200]),
        ({"task": "The task", "title": "A title"}, "A title", ["The task"]),
        ({"task": "The task", "title": "長" * 300}, "長" * 119 + "…", ["長" * 300, "The task"]),
        ({"task": "Same", "title": "Same"}, "Same", []),
    ],
)
async def test_whatever_the_headline_leaves_out_is_below_it(
    values: dict[str, str], headline: str, folded: list[str], browser: AsyncClient, store: SessionStore
) -> None:
    session = await create(store, **values)
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert f"<h1><bdi>{headline}</bdi></h1>" in html
    assert re.findall(r'<p dir="auto">(.*?)</p>', html, re.DOTALL) == folded


async def test_a_finished_discussion_says_how_it_ended(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1)
    await store.update_session(session.session_id, status=SessionStatus.FAILED)
    html = await read(browser, f"/sessions/{session.session_id}/")
    assert '<span class="pill failed">failed</span>' in html
    assert "data-ticks" not in html


async def test_the_socket_is_that_of_this_discussion_whatever_its_id(browser: AsyncClient, store: SessionStore) -> None:
    await create(store, session_id='a b&"c"%', messages=1)
    html = await read(browser, "/sessions/a%20b&%22c%22%25/")
    assert 'ws-connect="/ws/sessions/a%20b%26%22c%22%25/"' in html


async def test_a_page_and_a_frame_show_the_very_same_row(browser: AsyncClient, store: SessionStore) -> None:
    from dashboard import fragments

    session = await create(store)
    stored = await store.append_messages(session.session_id, [make_draft(content="**空間** <b>")])
    [row] = await fragments.render_rows(stored, previous=None)
    assert row in await read(browser, f"/sessions/{session.session_id}/")
