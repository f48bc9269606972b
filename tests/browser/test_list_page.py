"""The list of sessions in a real browser: filtered and live, changed in place, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from chatlog import Session, SessionStatus
from chatlog.domain.clock import utc_now
from tests.browser.conftest import PATIENCE, Site, log_in
from tests.dashboard.site_process import PERSON
from tests.factories import make_draft

pytestmark = pytest.mark.slow
WIDTHS = {360: 780, 1280: 900}


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A site without sessions."""
    yield shared_site
    shared_site.delete_all()


@pytest.fixture(params=[(width, has_scripts) for width in WIDTHS for has_scripts in (True, False)], ids=str)
def reader(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, has_scripts = request.param
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, java_script_enabled=has_scripts)
    context.set_default_timeout(PATIENCE)
    yield log_in(context, site)
    context.close()


def row_of(page: Page, title: str) -> Locator:
    return page.locator(".session").filter(has=page.get_by_role("link", name=title, exact=True))


def create_ended(site: Site, title: str, status: SessionStatus, **values: object) -> Session:
    session = site.create(title=title, created_at=utc_now() - timedelta(hours=1), **values)
    return site.change(session, status=status)


def test_the_form_logs_in_and_leads_to_where_one_wanted_to_go(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(f"{site.address}/?status=failed")
    name, password = PERSON
    page.fill("[name=username]", name)
    page.fill("[name=password]", "not hers")
    page.click("button.primary")
    expect(page.locator(".form-error")).to_be_visible()
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("button.primary")
    page.wait_for_url(f"{site.address}/?status=failed")


def test_filters_are_chosen_and_taken_off(reader: Page, site: Site) -> None:
    create_ended(site, "went wrong", SessionStatus.FAILED, tags=["urgent"])
    create_ended(site, "went well", SessionStatus.COMPLETED, tags=["urgent"])
    reader.goto(f"{site.address}/")
    if not reader.locator("#filters").evaluate("element => element.open"):
        reader.locator("#filters summary").click()
    reader.locator("[name=status][value=failed]").check()
    if not reader.url.endswith("status=failed"):  # without scripts nothing goes by itself
        reader.locator(".filters button").click()
    reader.wait_for_url("**/?status=failed*")
    expect(reader.locator(".session .title")).to_have_text(["went wrong"])
    expect(reader.locator("#count")).to_have_text("1 session")
    reader.locator(".chip", has_text="failed").click()
    expect(reader.locator(".session")).to_have_count(2)


def test_a_session_is_starred_renamed_tagged_deleted_and_brought_back(reader: Page, site: Site) -> None:
    create_ended(site, "the other", SessionStatus.COMPLETED)
    create_ended(site, "before", SessionStatus.COMPLETED)
    reader.goto(f"{site.address}/")
    row_of(reader, "before").locator(".star").click()
    expect(row_of(reader, "before").locator(".star")).to_have_attribute("aria-pressed", "true")
    row_of(reader, "before").locator(".edit").click()
    reader.locator(".edit-form [name=title]").fill("後の題")
    reader.locator(".edit-form [name=tags]").fill("one, 二")
    reader.locator(".edit-form .primary").click()
    expect(row_of(reader, "後の題").locator(".tag")).to_have_text(["one", "二"])
    row_of(reader, "後の題").locator(".edit").click()
    reader.locator(".edit-form .danger").click()
    expect(reader.locator("#notice")).to_contain_text("Deleted")
    expect(row_of(reader, "後の題")).to_have_count(0)
    expect(row_of(reader, "the other")).to_have_count(1)
    reader.locator("#notice button").click()
    expect(row_of(reader, "後の題").locator(".star")).to_have_attribute("aria-pressed", "true")
    expect(row_of(reader, "後の題").locator(".tag")).to_have_text(["one", "二"])


def test_what_cannot_be_saved_is_said_in_the_form_and_can_be_put_right(reader: Page, site: Site) -> None:
    create_ended(site, "before", SessionStatus.COMPLETED)
    reader.goto(f"{site.address}/")
    row_of(reader, "before").locator(".edit").click()
    reader.locator(".edit-form [name=title]").fill("after")
    for tag in ("x" * 101, "y" * 102):
        reader.locator(".edit-form [name=tags]").fill(tag)
        reader.locator(".edit-form .primary").click()
        expect(reader.locator(".edit-form .form-error")).to_contain_text(f"has {len(tag)} characters")
        expect(reader.locator(".edit-form [name=tags]")).to_be_focused()  # where it can be put right
    reader.locator(".edit-form [name=tags]").fill("short")
    reader.locator(".edit-form .primary").click()
    expect(row_of(reader, "after").locator(".tag")).to_have_text(["short"])


def test_the_list_stays_live_under_a_filter_and_keeps_to_it(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/?tag=wanted&agent=ann")
    expect(page.locator("#connection")).to_have_text("connected")
    site.create(title="not this", tags=["wanted"], participants=["bob"])
    site.create(title="this one", tags=["wanted"], participants=["ann"])
    expect(page.locator(".session .title")).to_have_text(["this one"])
    session = site.create(title="another", tags=["wanted"])
    site.say(session, make_draft(source="ann"))  # whoever speaks takes part
    expect(page.locator(".session .title")).to_have_text(["another", "this one"])
    assert page.errors == []


def test_a_star_and_what_is_new_stay_on_rows_that_come_in_live(page: Page, site: Site) -> None:
    session = site.create(title="mine")
    site.say(session, make_draft())
    with page.expect_response("**/read"):  # the page tells how far its reader has come
        page.goto(f"{site.address}/sessions/{session.session_id}/")
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("connected")
    row_of(page, "mine").locator(".star").click()
    expect(row_of(page, "mine").locator(".star")).to_have_attribute("aria-pressed", "true")
    site.say(session, *(make_draft() for _ in range(3)))
    expect(row_of(page, "mine").locator(".new")).to_have_text("3 new")
    expect(row_of(page, "mine").locator(".star")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(row_of(page, "mine").locator(".new")).to_have_text("3 new")
    assert page.errors == []


def test_nothing_is_taken_from_under_the_hands_of_who_edits(page: Page, site: Site) -> None:
    create_ended(site, "being edited", SessionStatus.COMPLETED)
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("connected")
    row_of(page, "being edited").locator(".edit").click()
    page.locator(".edit-form [name=title]").fill("half typ")
    site.create(title="newcomer")
    page.wait_for_timeout(2500)  # the frame that would have replaced the row has come by then
    expect(page.locator(".edit-form [name=title]")).to_have_value("half typ")
    page.locator(".edit-form .cancel").click()
    expect(row_of(page, "newcomer")).to_have_count(1)
    assert page.errors == []


@pytest.mark.parametrize("action", ["star", "edit"])
def test_an_answer_that_takes_its_time_finds_its_row(action: str, page: Page, site: Site) -> None:
    create_ended(site, "slow", SessionStatus.COMPLETED)
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("connected")
    held: list[Route] = []
    page.route(f"**/sessions/*/{action}*", lambda route: held.append(route))  # noqa: PLW0108  # playwright marks what it is given
    with page.expect_request(f"**/sessions/*/{action}*"):
        row_of(page, "slow").locator(f".{action}").click()
    site.create(title="newcomer")
    page.wait_for_timeout(2500)  # the frame that would have replaced the row has come by then
    held[0].continue_()
    if action == "edit":
        page.locator(".edit-form .cancel").click()
    else:
        expect(row_of(page, "slow").locator(".star")).to_have_attribute("aria-pressed", "true")
    expect(row_of(page, "newcomer")).to_have_count(1)


def test_everything_is_reached_by_keyboard(page: Page, site: Site) -> None:
    create_ended(site, "by hand", SessionStatus.COMPLETED)
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("connected")
    page.locator(".star").focus()
    page.keyboard.press("Space")
    expect(page.locator(".star")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".star")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".edit-form [name=title]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    expect(row_of(page, "typed")).to_have_count(1)


def test_a_deleted_session_says_so_at_its_own_address_and_comes_back(reader: Page, site: Site) -> None:
    session = create_ended(site, "gone", SessionStatus.COMPLETED)
    reader.goto(f"{site.address}/sessions/{session.session_id}/edit")
    reader.locator(".danger").click()
    expect(reader.locator("#notice")).to_contain_text("Deleted")
    reader.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(reader.locator("h1")).to_have_text("This session was deleted")
    reader.get_by_role("button", name="Bring it back").click()
    expect(reader.locator("h1")).to_have_text("gone")
