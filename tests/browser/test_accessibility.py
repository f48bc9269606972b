"""The pages for everybody: rules of axe-core, narrow screens, the keyboard, and no script at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chatlog import MessageDraft, MessageKind, Session, SessionStatus
from chatlog.domain.clock import utc_now
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.factories import AGENTS, make_draft, make_drafts

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# Browsers let Tab reach whatever scrolls by itself, which axe-core does not know; a test below does.
BY_THE_BROWSER = {"scrollable-region-focusable": {"enabled": False}}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "rules": BY_THE_BROWSER,
}
FAULTS = """async rules => (await axe.run(document, rules)).violations.map(violation =>
  `${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`)"""
UNSTICK = """[...document.querySelectorAll("header, main *")]
  .filter(element => ["sticky", "fixed"].includes(getComputedStyle(element).position))
  .forEach(element => element.style.position = "static")"""
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
WORD = "長い" * 15_000 + "x" * 30_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site with what there is to look at; nothing here harms it."""
    site = make_site(tmp_path_factory.mktemp("pages"))
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture(scope="module")
def running(site: Site) -> Session:
    session = site.create(title="新しい通知の名前", task="One\ntwo", participants=AGENTS, tags=["料金", "naming"])
    site.say(session, *remarks_of_every_kind(), *make_drafts(40))
    return session


@pytest.fixture(scope="module")
def finished(site: Site) -> Session:
    session = site.create(task="Done", participants=AGENTS[:2])
    site.say(session, *make_drafts(3))
    return site.change(session, status=SessionStatus.FAILED)


def remarks_of_every_kind() -> list[MessageDraft]:
    start = utc_now() - timedelta(minutes=30)
    wide = "```\n" + "wide " * 100 + "\n```\n\n|" + "wide|" * 60 + "\n|" + "-|" * 60
    markdown = (
        "# Heading\n\n- a\n- b\n\n> quoted\n\n|a|b|\n|-|-:|\n|1|2|\n\n"
        "```python\ndef f(x):  # why\n    return 'x' + 1\n```\n[link](https://a.example) `code`\n\n"
    )
    return [
        make_draft(content=markdown + wide, timestamp=start, models_usage={"prompt_tokens": 5, "completion_tokens": 7}),
        *(make_draft(kind=kind, content=f"{kind}\nsecond line", timestamp=start) for kind in MessageKind),
        make_draft(content="line\n" * 60, timestamp=start + timedelta(minutes=7)),
        make_draft(content=WORD, source="w" * 255),
        make_draft(content="x,y;" * 20_000, kind=MessageKind.TOOL_RESULT),
    ]


@pytest.fixture(scope="module")
def deleted(site: Site) -> Session:
    session = site.create(title="Deleted")
    site.delete(session)
    return session


@pytest.fixture(scope="module")
def pages(site: Site, running: Session, finished: Session, deleted: Session) -> dict[str, str]:
    newest = site.create(title="Newest", created_at=utc_now() + timedelta(hours=1))
    return {
        "list": "/",
        "live": "/live/",
        "running": f"/sessions/{running.session_id}/",
        "finished": f"/sessions/{finished.session_id}/",
        "unknown": "/sessions/nobody/",
        "bad cursor": "/?cursor=x",
        "filtered": "/?status=failed&agent=nobody&from=2026-11-23&to=2026-11-20&starred=1",
        "edit": f"/sessions/{finished.session_id}/edit",
        "deleted": f"/sessions/{deleted.session_id}/",
        "api docs": "/docs/api/",
        "end": f"/sessions/{newest.session_id}/newer",
    }


def find_faults(page: Page) -> list[str]:
    """Evaluated by the browser's own tools, which the policy does not hold back."""
    page.evaluate(UNSTICK)  # a link that is half under a bar at this moment is no small link
    page.evaluate(AXE.read_text())
    faults: list[str] = page.evaluate(FAULTS, RULES)
    return faults


@pytest.fixture(params=[(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")], ids=lambda it: f"{it[0]} {it[1]}")
def looking(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def test_every_page_keeps_the_rules_and_fits_the_screen(looking: BrowserContext, site: Site, pages: dict[str, str]) -> None:
    page = looking.new_page()
    page.goto(f"{site.address}/login/")
    faults = {"login": find_faults(page), "login overflow": page.evaluate(OVERFLOW)}
    page.close()
    page = log_in(looking, site)
    for name, path in pages.items():
        page.goto(site.address + path)
        if page.locator("#connection").count():
            expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
        faults |= {name: find_faults(page), f"{name} overflow": page.evaluate(OVERFLOW)}
    page.goto(site.address + pages["running"])
    for folded in page.locator("details.fold, details.task, details.menu").all():
        folded.evaluate("it => it.open = true")
    page.locator(".unfold input").first.check()
    page.keyboard.press("?")
    faults |= {"unfolded": find_faults(page), "unfolded overflow": page.evaluate(OVERFLOW)}
    page.goto(site.address)
    page.locator("#filters").evaluate("it => it.open = true")
    page.locator(".session .edit").first.click()
    expect(page.locator(".session .edit-form")).to_be_visible()
    faults |= {"being edited": find_faults(page), "being edited overflow": page.evaluate(OVERFLOW)}
    found = {name: fault for name, fault in faults.items() if fault and fault != 0}
    assert found == {}, "\n".join(f"{name}: {fault}" for name, fault in found.items())


def test_an_empty_site_keeps_the_rules(browser: Browser, tmp_path: Path) -> None:
    site = make_site(tmp_path)
    site.start()
    try:
        for theme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme=theme)
            page = log_in(context, site)
            assert find_faults(page) == []
            assert page.evaluate(OVERFLOW) <= 0
            context.close()
    finally:
        site.end()
        site.wire.close()


def test_the_rules_find_a_fault_that_is_there(page: Page, site: Site) -> None:
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=x><button></button>')")
    assert len(find_faults(page)) >= 2


def test_a_remark_larger_than_any_limit_on_sockets_arrives_live(page: Page, site: Site) -> None:
    session = site.create()
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    site.say(session, make_draft(content="長い" * 100_000))
    expect(page.locator("#message-1")).to_be_attached(timeout=PATIENCE)
    assert page.evaluate("document.querySelector('#message-1 .body').textContent.length") >= 200_000
    assert page.evaluate(OVERFLOW) <= 0
    assert page.errors == []


# -- the keyboard -------------------------------------------------------------------------------------------------------

FOCUSED = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { name: element.outerHTML.slice(0, 90), isBody: element === document.body, isShown: shown };
}"""
INTERACTIVE = """() => [...document.querySelectorAll("a[href], button, input, summary, select, textarea")]
  .filter(element => element.checkVisibility() && element.type !== "hidden" && !element.closest("dialog")
    && !(element.closest("details:not([open])") && element.localName !== "summary"))
  .map(element => element.outerHTML.slice(0, 90))"""


def walk(page: Page, most: int) -> list[dict[str, Any]]:
    """What Tab leads to, from the top of the page until it leaves it."""
    page.evaluate("document.activeElement.blur()")
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        element = page.evaluate(FOCUSED)
        if element["isBody"] or page.evaluate("document.activeElement === window.firstFocused"):
            break
        if not found:
            page.evaluate("window.firstFocused = document.activeElement")
        found.append(element)
    return found


@pytest.mark.parametrize("name", ["list", "finished", "unknown"])
def test_tab_reaches_everything_and_shows_where_it_is(name: str, page: Page, site: Site, pages: dict[str, str]) -> None:
    page.goto(site.address + pages[name])
    if page.locator("#connection").count():
        expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    reached = walk(page, 200)
    assert {element["name"] for element in reached} >= set(page.evaluate(INTERACTIVE))
    assert [element["name"] for element in reached if not element["isShown"]] == []


def test_tab_reaches_what_scrolls(page: Page, site: Site) -> None:
    session = site.create()
    site.say(session, make_draft(content="```\n" + "wide " * 100 + "\n```\n\ntext"))
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    assert "<pre>" in {element["name"][:5] for element in walk(page, 40)}


def current(page: Page) -> int:
    number: int = page.evaluate("Number(document.activeElement.dataset.sequence ?? 0)")
    return number


def test_keys_move_through_the_remarks(page: Page, site: Site) -> None:
    session = site.create()
    site.say(session, *make_drafts(60))
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    page.keyboard.press("g")
    page.keyboard.press("g")
    assert current(page) == 1
    assert page.locator("#pause").get_attribute("aria-pressed") == "true"
    for key, number in (("j", 2), ("j", 3), ("k", 2), ("k", 1), ("k", 1)):
        page.keyboard.press(key)
        assert current(page) == number
    assert page.evaluate("getComputedStyle(document.activeElement.querySelector('.said')).boxShadow") != "none"
    page.keyboard.press("G")
    assert page.locator("#pause").get_attribute("aria-pressed") == "false"
    assert is_at_the_end(page)
    page.keyboard.press("p")
    assert page.locator("#pause").get_attribute("aria-pressed") == "true"
    page.keyboard.press("p")
    assert page.locator("#pause").get_attribute("aria-pressed") == "false"


def test_y_copies_the_link_to_the_remark(page: Page, context: BrowserContext, site: Site, running: Session) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    address = f"{site.address}/sessions/{running.session_id}/"
    page.goto(address)
    for key in "ggjy":
        page.keyboard.press(key)
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('#')")
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}?at=2#message-2"


def test_t_changes_the_theme_and_the_next_page_keeps_it(page: Page, site: Site, running: Session) -> None:
    page.goto(f"{site.address}/sessions/{running.session_id}/")
    seen = []
    for _ in range(3):
        page.keyboard.press("t")
        seen.append(page.locator("#theme").get_attribute("aria-label"))
    assert seen == ["Theme: light", "Theme: dark", "Theme: follow the system"]
    page.keyboard.press("t")
    page.keyboard.press("t")
    page.goto(site.address)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_question_mark_opens_the_sheet_of_keys_and_escape_closes_it(page: Page, site: Site, running: Session) -> None:
    page.goto(f"{site.address}/sessions/{running.session_id}/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


# -- reading along ------------------------------------------------------------------------------------------------------


def is_at_the_end(page: Page) -> bool:
    at_end: bool = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
    return at_end


def open_long(page: Page, site: Site, *, remarks: int = 80) -> Session:
    session = site.create(participants=AGENTS)
    site.say(session, *make_drafts(remarks))
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    return session


def test_the_page_follows_until_its_reader_scrolls_up(page: Page, site: Site) -> None:
    session = open_long(page, site)
    site.say(session, make_draft(content="followed"))
    expect(page.locator("#message-81")).to_be_in_viewport()
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -2000)
    page.wait_for_function("() => innerHeight + scrollY < document.documentElement.scrollHeight - 1000")
    settled(page)
    before = place(page)
    for number in range(82, 85):
        site.say(session, make_draft())
        expect(page.locator(f"#message-{number}")).to_be_attached()
    expect(page.locator("#jump")).to_have_text("↓ 3 new")
    assert place(page) == pytest.approx(before, abs=1)
    expect(page.locator("#message-82")).to_have_attribute("data-unread", "3 new")
    page.click("#jump")
    expect(page.locator("#message-84")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()
    expect(page.locator("[data-unread]")).to_have_count(0)
    site.say(session, make_draft(content="followed again"))
    expect(page.locator("#message-85")).to_be_in_viewport()


def settled(page: Page) -> None:
    """Until the page has stood still for some frames."""
    page.evaluate(
        """() => new Promise(resolve => {
          let [last, same] = [scrollY, 0];
          (function look() {
            same = scrollY === last ? same + 1 : 0;
            last = scrollY;
            same > 10 ? resolve() : requestAnimationFrame(look);
          })();
        })"""
    )


def place(page: Page) -> float:
    """Where the remark in the middle of the window stands in it."""
    top: float = page.evaluate(
        """() => {
          const rows = [...document.querySelectorAll("#messages > li")];
          window.held ??= rows.find(row => row.getBoundingClientRect().top > 300);
          return held.getBoundingClientRect().top;
        }"""
    )
    return top


def test_a_paused_page_stays_where_it_is_even_at_the_end(page: Page, site: Site) -> None:
    session = open_long(page, site)
    page.keyboard.press("p")
    settled(page)
    before = place(page)
    site.say(session, *make_drafts(5))
    expect(page.locator("#jump")).to_have_text("↓ 5 new")
    assert place(page) == pytest.approx(before, abs=1)


def test_only_one_speaker_is_shown_and_who_comes_later_is_dimmed_too(page: Page, site: Site) -> None:
    session = open_long(page, site, remarks=10)
    button = page.locator(f'[data-only="{AGENTS[0]}"]')
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    site.say(session, make_draft(source=AGENTS[0]), make_draft(source=AGENTS[1]))
    expect(page.locator("#message-12")).to_have_class(re.compile(r"\bother\b"))
    shown = page.evaluate("[...document.querySelectorAll('#messages > li:not(.other)')].map(row => row.dataset.source)")
    assert set(shown) == {AGENTS[0]}
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(page.locator("#messages > .other")).to_have_count(0)


# -- without scripts ----------------------------------------------------------------------------------------------------


def test_without_scripts_everything_can_be_read(browser: Browser, site: Site) -> None:
    session = site.create(session_id="空間 50% & é", title="Without scripts")
    site.say(session, *make_drafts(70))
    context = browser.new_context(java_script_enabled=False)
    page = log_in(context, site)
    page.get_by_role("link", name="Without scripts", exact=True).click()
    assert unquote(page.url) == f"{site.address}/sessions/{session.session_id}/"
    expect(page.locator("#messages > li")).to_have_count(60)
    expect(page.locator("#message-70")).to_be_attached()
    page.get_by_text("Show earlier remarks").click()
    expect(page.locator("#messages > li")).to_have_count(10)
    expect(page.locator("#message-1")).to_be_visible()
    page.go_back()
    site.say(session, make_draft(content="said meanwhile"))
    page.get_by_role("link", name="Show newer remarks").click()
    expect(page.locator("#message-71")).to_contain_text("said meanwhile")
    context.close()
