"""Searching with a real browser: typing, taking off a filter, opening a hit with the keyboard, landing on the remark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chatlog import Session, SessionStatus
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.browser.test_accessibility import INTERACTIVE, OVERFLOW, find_faults, walk
from tests.factories import AGENTS, make_draft, make_drafts

START = datetime(2026, 11, 10, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("search"))
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture(scope="module", autouse=True)
def long_session(site: Site) -> Session:
    """Five thousand remarks, of which one in the middle is about a zebra; the others and other sessions are not."""
    session = site.create(title="長い会議", task="Elsewhere", participants=AGENTS, tags=["料金"], created_at=START)
    for start in range(0, 5_000, 500):
        drafts = make_drafts(500, timestamp=START + timedelta(seconds=start))
        if start == 2_500:
            drafts[7] = make_draft(source=AGENTS[1], content="共有空間に Zebra がいます。", timestamp=START)
        site.say(session, *drafts)
    site.change(session, status=SessionStatus.COMPLETED)
    other = site.create(title="Another", task="Elsewhere", created_at=START + timedelta(days=1))
    site.say(other, *make_drafts(60, source="critic", content="A zebra " + "and more " * 40))
    return session


@pytest.fixture(params=[(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")], ids=lambda it: f"{it[0]} {it[1]}")
def looking(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def focused_hit(page: Page) -> int:
    number: int = page.evaluate("[...document.querySelectorAll('a.hit')].indexOf(document.activeElement)")
    return number


@pytest.mark.parametrize("width", [360, 1280])
def test_from_typing_to_the_remark_by_keyboard_alone(width: int, page: Page, site: Site, long_session: Session) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.keyboard.press("/")  # with a box in the bar, or on the page of its own
    box = page.locator("[data-search-box]:visible")
    expect(box).to_be_focused()
    page.keyboard.type("zebra agent:market_analyst status:stalled")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No remark, title or task matches.")).to_be_visible()
    expect(page.locator("[data-search-box]:visible")).to_be_focused()
    page.get_by_role("link", name="Take off status:stalled").click()
    expect(page.get_by_role("status")).to_have_text("1 hit in 1 session")
    expect(page.locator("mark")).to_have_text("Zebra")
    assert focused_hit(page) == 0
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/sessions/{long_session.session_id}/?at=2508&find=zebra#message-2508")
    expect(page.locator("#message-2508")).to_be_in_viewport(timeout=PATIENCE)
    assert page.errors == []


def test_keys_go_from_hit_to_hit_and_to_the_box(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/search/?q=zebra")
    expect(page.locator("a.hit")).to_have_count(50)
    moves = [("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("ArrowUp", -1), ("ArrowDown", 0)]
    for key, number in moves:
        page.keyboard.press(key)
        assert focused_hit(page) == number
    page.keyboard.press("/")
    expect(page.locator("[data-search-box]")).to_be_focused()
    page.keyboard.type("j/k")
    expect(page.locator("[data-search-box]")).to_have_value("j/k")
    for _ in range(60):
        page.keyboard.press("ArrowDown")
    assert focused_hit(page) == 49
    expect(page.locator("a.hit").nth(49)).to_be_in_viewport(ratio=1)
    assert page.errors == []


def test_older_hits_follow(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/search/?q=zebra")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("status")).to_have_text("The last 11 hits, in 2 sessions.")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("a.hit")).to_have_count(50)


def test_a_slash_is_text_where_somebody_types_and_leads_to_the_box_elsewhere(
    page: Page, site: Site, long_session: Session
) -> None:
    page.goto(f"{site.address}/sessions/{long_session.session_id}/")
    page.keyboard.press("/")
    expect(page.locator("[data-search-box]:visible")).to_be_focused()
    page.keyboard.type("空間 1/2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-search-box]")).to_have_value("空間 1/2")


def test_a_text_too_long_to_send_is_answered_with_a_sentence(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/search/")
    page.keyboard.insert_text("空間を共有する" * 1_500)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("That is longer than 1,000 characters. Search for a few words of it.")


def test_without_scripts_it_all_works(browser: Browser, site: Site, long_session: Session) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(context, site)
    page.locator("[data-search-box]").fill("zebra tag:料金")
    page.locator("[data-search-box]").press("Enter")
    expect(page.locator("a.hit")).to_have_count(1)
    page.get_by_role("link", name="Take off tag:料金").click()
    expect(page.locator("a.hit")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    page.locator("a.hit", has_text="共有空間").click()
    expect(page.locator("#message-2508")).to_be_in_viewport()
    context.close()


PATHS = {
    "start": "/search/",
    "hits": "/search/?q=zebra",
    "japanese": "/search/?q=空間",
    "filters": '/search/?q=zebra+agent:critic+tag:"two+words"+after:2026-11-01',
    "nothing": "/search/?q=lion+tiger+x:y",
    "filters alone": "/search/?q=agent:critic",
    "problems": f"/search/?q=x+status:{'w' * 120}+after:never",
}


def test_every_state_keeps_the_rules_and_fits_the_screen(looking: BrowserContext, site: Site) -> None:
    page = log_in(looking, site)
    faults = {}
    for name, path in PATHS.items():
        page.goto(site.address + path)
        page.locator(".search-help").evaluate("it => it.open = true")
        faults |= {name: find_faults(page), f"{name} overflow": page.evaluate(OVERFLOW)}
    found = {name: fault for name, fault in faults.items() if fault and fault != 0}
    assert found == {}, "\n".join(f"{name}: {fault}" for name, fault in found.items())
    assert page.errors == []


def test_tab_reaches_everything_and_shows_where_it_is(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/search/?q=zebra+agent:market_analyst")
    reached = walk(page, 60) + walk(page, 60)  # from the first hit, which has the focus, to the end; then from the top
    assert [element["name"] for element in reached if not element["isShown"]] == []
    assert {element["name"] for element in reached} >= set(page.evaluate(INTERACTIVE))
