"""What a session's page asks for besides its windows: matches, one remark as Markdown, neighbours, read marks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.domain.models import MessageKind
from chatlog.storage.base import SessionStore
from dashboard import personal
from tests.dashboard.test_session_detail import create
from tests.factories import make_draft, make_drafts

START = datetime(2026, 11, 23, 14, 30, 22, tzinfo=UTC)


async def find(browser: AsyncClient, session_id: str, text: str) -> dict[str, object]:
    response = await browser.get(f"/sessions/{session_id}/find", {"q": text}, headers={"accept": "application/json"})
    assert response.status_code == 200
    assert "Accept" in response["Vary"]
    answer: dict[str, object] = json.loads(response.content)
    return answer


@pytest.mark.parametrize(
    ("text", "sequences"),
    [
        ("空間", [1, 3]),
        ("空", [1, 3]),
        ("ROOM", [2, 3]),
        ("ｒｏｏｍ", [2, 3]),
        ("空間 room", [3]),
        ('"the room"', [2]),
        ("r", [2, 3]),
        ("oom", []),
    ],
)
async def test_find_names_the_remarks_that_match(
    text: str, sequences: list[int], browser: AsyncClient, store: SessionStore
) -> None:
    session = await create(store)
    texts = ["共有空間です", "The room", "空間のＲＯＯＭ", "nothing"]
    await store.append_messages(session.session_id, [make_draft(content=text) for text in texts])
    answer = await find(browser, session.session_id, text)
    assert answer["sequences"] == sequences
    assert answer["problem"] == ("" if sequences else "Nothing matches.")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Type a word to find."),
        ("   ", "Type a word to find."),
        ("x" * 1001, "That is longer than 1,000 characters."),
        (" ".join(f"w{n}" for n in range(21)), "Those are more than 20 words."),
        ("' OR 1=1 --", "Nothing matches."),
        ('"never closed', "Nothing matches."),
        ("\x00", "Nothing matches."),
    ],
)
async def test_what_cannot_be_found_is_said(text: str, problem: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=2)
    answer = await find(browser, session.session_id, text)
    assert (answer["sequences"], answer["problem"]) == ([], problem)


async def test_no_more_than_a_thousand_matches_are_listed(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1100)
    assert (await find(browser, session.session_id, "空間"))["sequences"] == list(range(1, 1001))


async def test_without_a_script_matches_are_a_list_of_links(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=3)
    response = await browser.get(f"/sessions/{session.session_id}/find", {"q": "空間 を共有"})
    html = response.content.decode()
    assert "3 remarks match" in html
    links = re.findall(r'href="(/sessions/[^"]*\?at=[^"]*)"', html)
    find = "%E7%A9%BA%E9%96%93%20%E3%82%92%E5%85%B1%E6%9C%89"
    assert links[1] == f"/sessions/{session.session_id}/?at=2&amp;find={find}#message-2"


async def test_a_remark_is_had_as_markdown_as_it_was_said(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store)
    text = "# 空間\n\n<b>raw</b> & *all*\n"
    draft = make_draft(source="ann_*", content=text, timestamp=START, kind=MessageKind.TOOL_CALL)
    await store.append_messages(session.session_id, [draft])
    response = await browser.get(f"/sessions/{session.session_id}/messages/1.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["Content-Disposition"] == "inline"
    assert response["X-Content-Type-Options"] == "nosniff"
    link = f"http://testserver/sessions/{session.session_id}/?at=1#message-1"
    assert response.content.decode() == f"> **ann\\_\\*** · 2026-11-23 14:30:22 UTC · [#1]({link})\n\n{text}\n"


@pytest.mark.parametrize("number", ["x", "0", "-1", "9" * 16, "9" * 17, "9" * 4000, "1e0"])
async def test_a_number_that_no_remark_can_have_is_bad_input(number: str, browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1)
    assert (await browser.get(f"/sessions/{session.session_id}/messages/{number}.md")).status_code == 400


async def test_a_remark_that_is_not_there_yet_is_not_found(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1)
    response = await browser.get(f"/sessions/{session.session_id}/messages/2.md")
    assert response.status_code == 404
    assert "There is no remark #2" in response.content.decode()


async def test_neighbours_in_the_list_are_one_step_away(browser: AsyncClient, store: SessionStore) -> None:
    ids = [(await create(store, created_at=START + timedelta(minutes=n))).session_id for n in range(3)]
    for path, target in ((f"{ids[1]}/newer", ids[2]), (f"{ids[1]}/older", ids[0])):
        response = await browser.get(f"/sessions/{path}")
        assert (response.status_code, response["Location"]) == (303, f"/sessions/{target}/")
    for path, words in ((f"{ids[2]}/newer", "newest"), (f"{ids[0]}/older", "oldest")):
        response = await browser.get(f"/sessions/{path}")
        assert response.status_code == 200
        assert f"This is the {words} discussion." in response.content.decode()


async def test_what_was_read_is_kept_and_never_taken_back(browser: AsyncClient, user: User, store: SessionStore) -> None:
    session = await create(store, messages=5)
    for sequence, mark in (("3", 3), ("2", 3), ("5", 5)):
        response = await browser.post(f"/sessions/{session.session_id}/read", {"sequence": sequence})
        assert response.status_code == 204
        assert await personal.find_marks(user, [session.session_id]) == {session.session_id: mark}


async def test_reading_by_hand_leads_back(browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=5)
    response = await browser.post(f"/sessions/{session.session_id}/read", {"sequence": "5", "by": "hand"})
    assert (response.status_code, response["Location"]) == (303, f"/sessions/{session.session_id}/")


async def test_looking_at_the_page_moves_no_mark(browser: AsyncClient, user: User, store: SessionStore) -> None:
    session = await create(store, messages=5)
    html = (await browser.get(f"/sessions/{session.session_id}/")).content.decode()
    assert await personal.find_marks(user, [session.session_id]) == {}
    assert "since you left" not in html


async def test_what_came_since_is_counted_and_linked(browser: AsyncClient, user: User, store: SessionStore) -> None:
    session = await create(store, messages=5)
    await personal.note_read(user, session.session_id, 5)
    assert "since you left" not in (await browser.get(f"/sessions/{session.session_id}/")).content.decode()
    await store.append_messages(session.session_id, make_drafts(200))
    html = (await browser.get(f"/sessions/{session.session_id}/")).content.decode()
    assert 'href="?at=6#message-6">200 new since you left</a>' in html
    assert 'data-mark="5"' in html


@pytest.mark.parametrize("sequence", [None, "", "x", "-1", "9" * 16, "9" * 17, "1.0"])
async def test_a_mark_that_is_no_number_is_bad_input(sequence: str | None, browser: AsyncClient, store: SessionStore) -> None:
    session = await create(store, messages=1)
    values = {} if sequence is None else {"sequence": sequence}
    assert (await browser.post(f"/sessions/{session.session_id}/read", values)).status_code == 400


@pytest.mark.parametrize("path", ["find?q=x", "messages/1.md", "newer", "older"])
async def test_parts_of_an_unknown_discussion_are_not_found(path: str, browser: AsyncClient, store: SessionStore) -> None:
    assert (await browser.get(f"/sessions/nobody/{path}")).status_code == 404
    session = await create(store, messages=1)
    await store.delete_session(session.session_id)
    assert (await browser.get(f"/sessions/{session.session_id}/{path}")).status_code in {404, 410}


async def test_a_mark_needs_the_token_of_a_form(user: User, store: SessionStore) -> None:
    session = await create(store, messages=1)
    strict = AsyncClient(enforce_csrf_checks=True)
    await strict.aforce_login(user)
    assert (await strict.post(f"/sessions/{session.session_id}/read", {"sequence": "1"})).status_code == 403
