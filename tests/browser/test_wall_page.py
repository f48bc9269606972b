"""The wall in a real browser: who talks, who has fallen silent, who has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from chatlog import Session, SessionStatus
from chatlog.domain.clock import utc_now
from tests.browser.conftest import PATIENCE, Site, log_in
from tests.factories import AGENTS, make_draft, make_drafts

pytestmark = pytest.mark.slow

NOTE_CLOCK = """() => {
  window.seen = new Set();
  setInterval(() => window.seen.add(document.querySelector("[data-silent]").textContent), 100);
}"""

LINES = "all => all.map(it => it.clientHeight / parseFloat(getComputedStyle(it).lineHeight))"


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A site without sessions."""
    yield shared_site
    shared_site.delete_all()


@pytest.fixture(params=[(360, 780), (1920, 1080)], ids=lambda it: str(it[0]))
def wall(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    page = log_in(context, site)
    page.goto(f"{site.address}/live/")
    expect(page.locator("#connection.live")).to_be_attached(timeout=PATIENCE)
    yield page
    assert page.errors == []  # type: ignore[attr-defined]
    context.close()


def begin(site: Site, *ago: float, **values: object) -> Session:
    """A session with remarks so many seconds ago."""
    now = utc_now()
    session = site.create(created_at=now - timedelta(hours=1), participants=AGENTS, **values)
    site.say(session, *(make_draft(timestamp=now - timedelta(seconds=each)) for each in ago))
    return session


def test_a_discussion_comes_talks_and_ends_before_ones_eyes(wall: Page, site: Site) -> None:
    expect(wall.get_by_role("heading", name="Nobody is talking")).to_be_visible()
    session = site.create(title="価格の会議", participants=AGENTS)
    tile = wall.locator(".tile")
    expect(tile).to_contain_text("Nobody has spoken yet", timeout=PATIENCE)
    expect(wall).to_have_title("1 running · chatlog")
    for source in AGENTS[:3]:
        site.say(session, make_draft(source=source, content=f"{source} says so."))
        expect(tile.locator(".speaks")).to_have_text(source, timeout=PATIENCE)
        expect(tile.locator(".line")).to_have_text(f"{source} says so.")
    site.change(session, status=SessionStatus.COMPLETED)
    expect(tile.locator(".pill")).to_have_text("completed", timeout=PATIENCE)
    expect(wall).to_have_title("0 running · chatlog")
    assert wall.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_a_long_remark_ends_after_two_lines_also_beside_a_taller_tile(wall: Page, site: Site) -> None:
    site.create(title="A title that needs two lines, for it says very much of what is to be discussed at length here " * 2)
    site.say(site.create(title="Short"), make_draft(content="Many words of a remark. " * 20))
    expect(wall.locator(".tile .line", has_text="Many words")).to_be_visible(timeout=PATIENCE)
    lines = wall.locator(".line").evaluate_all(LINES)
    assert len(lines) == 2
    assert max(lines) < 2.1


def test_the_clock_of_silence_goes_on_by_itself(wall: Page, site: Site) -> None:
    begin(site, 10)
    clock = wall.locator("[data-silent]")
    expect(clock).to_have_text(re.compile(r"^\d+ s$"), timeout=PATIENCE)
    wall.evaluate(NOTE_CLOCK)
    wall.wait_for_function("() => window.seen.size >= 3")


def test_a_clock_by_another_time_tells_the_same_silence(browser: Browser, site: Site) -> None:
    begin(site, 10)
    context = browser.new_context()
    page = log_in(context, site)
    page.clock.set_fixed_time(utc_now() + timedelta(days=1))
    page.goto(f"{site.address}/live/")
    expect(page.locator("[data-silent]")).to_have_text(re.compile(r"^\d+ s$"), timeout=PATIENCE)
    context.close()


def test_who_is_silent_beyond_their_habit_is_marked(wall: Page, site: Site) -> None:
    begin(site, *range(280, 180, -10), title="fell silent")
    begin(site, *range(900, 0, -90), title="always slow")
    marked = wall.locator(".tile.unusual")
    expect(wall.locator(".tile")).to_have_count(2, timeout=PATIENCE)
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("fell silent")
    expect(marked).to_contain_text("rarely silent for more than 30 s")


def test_a_tile_leads_to_its_discussion_by_keyboard_too(wall: Page, site: Site) -> None:
    session = begin(site, 5)
    wall.locator(".tile a").focus()
    wall.keyboard.press("Enter")
    wall.wait_for_url(f"**/sessions/{session.session_id}/")


def test_after_a_cut_the_wall_is_up_to_date(wall: Page, site: Site) -> None:
    session = begin(site, 5)
    expect(wall.locator(".tile")).to_have_count(1, timeout=PATIENCE)
    with site.wire.down():
        expect(wall.locator("#connection.waiting")).to_be_attached()
        site.say(session, *make_drafts(3), make_draft(source="the_last"))
    wall.evaluate("dispatchEvent(new Event('online'))")
    expect(wall.locator(".speaks")).to_have_text("the_last", timeout=PATIENCE)


def test_without_scripts_the_wall_shows_this_moment(browser: Browser, site: Site) -> None:
    begin(site, 10)
    context = browser.new_context(java_script_enabled=False)
    page = log_in(context, site)
    page.goto(f"{site.address}/live/")
    expect(page.locator(".tile")).to_contain_text(re.compile(r"silent for \d+ s"))
    context.close()
