"""Star, title and tags, deleting and bringing back: as plain forms, which lead back to the list, and with htmx."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.errors import SessionDeleted
from chatlog.storage.base import SessionStore
from dashboard import personal
from dashboard.session_rows import row_id
from tests.factories import make_drafts, make_session

HTMX = {"HX-Request": "true"}


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session(title="名前を決める", tags=["料金", "nightly"]))


def path_of(session: Session, deed: str) -> str:
    return f"/sessions/{session.session_id}/{deed}"


# -- the star -------------------------------------------------------------------------------------------------------------


async def test_a_star_is_set_and_taken_off_without_a_script(browser: AsyncClient, user: User, session: Session) -> None:
    for pressed, starred in (("1", [session.session_id]), ("0", [])):
        response = await browser.post(path_of(session, "star"), {"starred": pressed})
        assert (response.status_code, response["Location"]) == (303, "/")
        assert await personal.list_starred(user) == starred


async def test_with_htmx_the_row_comes_back_as_it_is_now(
    browser: AsyncClient, user: User, store: SessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(5))
    await personal.note_read(user, session.session_id, 3)
    for pressed, state, next_press in (("1", "true", "0"), ("0", "false", "1")):
        response = await browser.post(path_of(session, "star"), {"starred": pressed}, headers=HTMX)
        row = response.content.decode()
        assert response.status_code == 200
        assert row.startswith(f'<li id="{row_id(session)}"')
        assert "hx-swap-oob" not in row  # it goes where the button says
        assert f'value="{next_press}" aria-pressed="{state}"' in row
        assert "2 new" in row


@pytest.mark.parametrize("value", ["", "2", "true", "1 ", None])
async def test_only_a_one_stars(value: str | None, browser: AsyncClient, user: User, session: Session) -> None:
    response = await browser.post(path_of(session, "star"), {} if value is None else {"starred": value})
    assert response.status_code == 303
    assert await personal.list_starred(user) == []


# -- title and tags -------------------------------------------------------------------------------------------------------


async def test_the_form_is_a_page_with_what_there_is(browser: AsyncClient, session: Session) -> None:
    response = await browser.get(path_of(session, "edit"), {"back": "status=failed"})
    html = response.content.decode()
    assert response.status_code == 200
    assert "<html" in html
    assert 'name="title" value="名前を決める"' in html
    assert 'name="tags" value="料金, nightly"' in html
    assert 'name="back" value="status=failed"' in html
    assert f'formaction="{path_of(session, "delete")}"' in html
    assert 'class="cancel" href="/?status=failed"' in html
    assert "csrfmiddlewaretoken" in html


async def test_with_htmx_it_is_the_form_alone_and_its_answer_takes_the_place_of_the_row(
    browser: AsyncClient, session: Session
) -> None:
    form = (await browser.get(path_of(session, "edit"), headers=HTMX)).content.decode()
    assert form.startswith('<form class="edit-form"')
    assert f'hx-target="#{row_id(session)}" hx-swap="outerHTML"' in form
    assert "csrfmiddlewaretoken" in form


async def test_title_and_tags_are_changed_without_a_script(browser: AsyncClient, store: SessionStore, session: Session) -> None:
    response = await browser.post(
        path_of(session, "edit"), {"title": " 別の名前 ", "tags": "b, a,,b ,\r\n空間", "back": "tag=b"}
    )
    assert (response.status_code, response["Location"]) == (303, "/?tag=b")
    changed = await store.get_session(session.session_id)
    assert (changed.title, changed.tags) == ("別の名前", ("b", "a", "空間"))


async def test_with_htmx_the_changed_row_comes_back_with_its_star(browser: AsyncClient, user: User, session: Session) -> None:
    await personal.set_star(user, session.session_id, is_starred=True)
    response = await browser.post(path_of(session, "edit"), {"title": "<b>New</b>", "tags": "x"}, headers=HTMX)
    row = response.content.decode()
    assert row.startswith(f'<li id="{row_id(session)}"')
    assert "<bdi>&lt;b&gt;New&lt;/b&gt;</bdi>" in row
    assert '<bdi class="tag">x</bdi>' in row
    assert 'aria-pressed="true"' in row


async def test_an_empty_title_and_no_tags_take_them_away(browser: AsyncClient, store: SessionStore, session: Session) -> None:
    await browser.post(path_of(session, "edit"), {"title": "  ", "tags": " , "})
    changed = await store.get_session(session.session_id)
    assert (changed.title, changed.tags) == (None, ())


async def test_saving_a_title_leaves_a_tag_with_a_comma_whole(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(title="Before", tags=["Tokyo, Japan", "b"]))
    await browser.post(path_of(session, "edit"), {"title": "After", "tags": "Tokyo, Japan, b"})
    changed = await store.get_session(session.session_id)
    assert (changed.title, changed.tags) == ("After", ("Tokyo, Japan", "b"))


BAD = [
    ({"title": "x" * 501, "tags": "料金"}, "title: '" + "x" * 40 + "'… has 501 characters; the limit is 500."),
    ({"title": "a\x00b", "tags": ""}, "title: "),
    ({"title": "Good", "tags": "x" * 101}, "tags: '" + "x" * 40 + "'… has 101 characters; the limit is 100."),
    ({"title": "Good", "tags": "a\x00b"}, "tags: "),
    ({"title": "Good", "tags": ",".join(str(n) for n in range(51))}, "tags: has 51 entries; the limit is 50"),
]
BAD_IDS = ["long title", "NUL in title", "long tag", "NUL in tag", "too many tags"]


def complaint(html: str) -> str:
    found = re.search(r'<p class="form-error" role="alert">([^<]+)</p>', html)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize(("given", "problem"), BAD, ids=BAD_IDS)
async def test_what_cannot_be_saved_is_said_in_the_form_with_what_was_typed(
    given: dict[str, str], problem: str, browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    response = await browser.post(path_of(session, "edit"), given | {"back": "q=a"})
    html = response.content.decode()
    assert response.status_code == 400
    assert complaint(html).startswith(problem)
    assert f'name="title" value="{given["title"]}"' in html
    assert f'name="tags" value="{given["tags"]}"' in html
    assert 'name="back" value="q=a"' in html
    assert await store.get_session(session.session_id) == session


@pytest.mark.parametrize(("given", "problem"), BAD, ids=BAD_IDS)
async def test_with_htmx_the_complaint_stays_in_the_form_of_the_row(
    given: dict[str, str], problem: str, browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    response = await browser.post(path_of(session, "edit"), given, headers=HTMX)
    assert response.status_code == 200  # htmx would not show it otherwise
    assert response.content.decode().startswith('<form class="edit-form"')
    assert complaint(response.content.decode()).startswith(problem)
    # The form takes its own place, not the row's: the next try needs the row.
    assert response["HX-Retarget"] == f"#{row_id(session)} .edit-form"
    assert await store.get_session(session.session_id) == session


# -- deleting and bringing back -------------------------------------------------------------------------------------------


async def test_deleting_without_a_script_leads_to_a_notice_that_undoes_it(
    browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(3))
    before, said = await store.get_session(session.session_id), await store.list_messages(session.session_id)
    response = await browser.post(path_of(session, "delete"), {"back": "tag=nightly"})
    assert (response.status_code, response["Location"]) == (303, f"/?tag=nightly&deleted={session.session_id}")
    with pytest.raises(SessionDeleted):
        await store.get_session(session.session_id)

    html = (await browser.get(response["Location"])).content.decode()
    notice = html[html.index('id="notice"') : html.index("Undo")]
    assert "<p>Deleted.</p>" in notice
    assert f'action="{path_of(session, "restore")}"' in notice
    assert 'name="back" value="tag=nightly"' in notice
    assert f'data-session="{session.session_id}"' not in html

    response = await browser.post(path_of(session, "restore"), {"back": "tag=nightly"})
    assert (response.status_code, response["Location"]) == (303, "/?tag=nightly")
    assert await store.get_session(session.session_id) == before
    assert await store.list_messages(session.session_id) == said
    assert f'data-session="{session.session_id}"' in (await browser.get(response["Location"])).content.decode()


async def test_with_htmx_the_notice_comes_by_itself_and_names_the_session(
    browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    response = await browser.post(path_of(session, "delete"), headers=HTMX)
    notice = response.content.decode()
    assert response.status_code == 200
    assert notice.startswith('<div id="notice" role="status" hx-swap-oob="true">')
    assert "<p>Deleted “名前を決める”.</p>" in notice
    assert f'hx-post="{path_of(session, "restore")}"' in notice
    assert "csrfmiddlewaretoken" in notice

    response = await browser.post(path_of(session, "restore"), headers=HTMX)
    notice = response.content.decode()
    assert "<p>“名前を決める” is back.</p>" in notice
    assert "Undo" not in notice
    assert await store.get_session(session.session_id) == session


async def test_a_notice_shows_a_hostile_title_as_text(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(title="<script>alert(1)</script>"))
    for deed in ("delete", "restore"):
        notice = (await browser.post(path_of(session, deed), headers=HTMX)).content.decode()
        assert "<script" not in notice
        assert "&lt;script&gt;" in notice


async def test_deleting_takes_no_star_away(browser: AsyncClient, user: User, session: Session) -> None:
    await browser.post(path_of(session, "star"), {"starred": "1"})
    await browser.post(path_of(session, "delete"))
    await browser.post(path_of(session, "restore"))
    assert await personal.list_starred(user) == [session.session_id]


async def test_the_page_of_a_deleted_session_brings_it_back_and_shows_it(
    browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    await store.delete_session(session.session_id)
    page = await browser.get(f"/sessions/{session.session_id}/")
    assert page.status_code == 404
    assert 'name="to" value="session"' in page.content.decode()
    response = await browser.post(path_of(session, "restore"), {"to": "session"})
    assert (response.status_code, response["Location"]) == (303, f"/sessions/{session.session_id}/")
    assert (await browser.get(response["Location"])).status_code == 200


async def test_what_is_not_deleted_is_restored_without_harm(
    browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    assert (await browser.post(path_of(session, "restore"))).status_code == 303
    assert await store.get_session(session.session_id) == session


@pytest.mark.parametrize("deed", ["star", "edit", "delete"])
async def test_a_deleted_session_offers_to_come_back_instead_of_being_changed(
    deed: str, browser: AsyncClient, user: User, store: SessionStore, session: Session
) -> None:
    await store.delete_session(session.session_id)
    response = await browser.post(path_of(session, deed), {"starred": "1", "title": "x"})
    assert response.status_code == 404
    assert "This session was deleted" in response.content.decode()
    assert await personal.list_starred(user) == []
    assert await store.restore_session(session.session_id) == session


async def test_what_is_gone_for_good_cannot_be_brought_back(
    browser: AsyncClient, store: SessionStore, session: Session
) -> None:
    await store.delete_session(session.session_id)
    await store.purge_deleted(before=utc_now())
    response = await browser.post(path_of(session, "restore"))
    assert response.status_code == 404
    assert "There is no session" in response.content.decode()
