"""The usage page in a real browser: charts to be seen, pointed at and walked through, while more is said."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chatlog import Session, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.browser.test_accessibility import OVERFLOW, find_faults
from tests.factories import AGENTS, make_draft, make_session
from tests.hostile import PAYLOADS

pytestmark = pytest.mark.slow
NAMES = (*AGENTS, "市場分析", "👩‍👩‍👧", "w" * 255, "\u202egnp.exe", "<b>bold", *(payload[:255] for payload in PAYLOADS[::60]))
OUTSIDE = """plot => {
  const whole = plot.getBoundingClientRect();
  return [...plot.querySelectorAll("rect:not(pattern rect)")].map(it => it.getBoundingClientRect()).filter(it =>
    it.left < whole.left - 1 || it.right > whole.right + 1 || it.top < whole.top - 1 || it.bottom > whole.bottom + 1).length;
}"""
FOCUSED = "(document.activeElement.querySelector('title') ?? document.activeElement).textContent"
OBSERVE = """new MutationObserver(() => window.touched = true)
  .observe(document.getElementById("usage"), {subtree: true, childList: true, attributes: true, characterData: true})"""
LOOK_NOW = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A month of sessions of every outcome, in which everybody speaks."""
    site = make_site(tmp_path_factory.mktemp("usage"))
    site.start()
    site._with_store(fill)
    yield site
    site.end()
    site.wire.close()


async def fill(store: SessionStore) -> None:
    now = utc_now()
    for number in range(48):
        # One day is the busiest: no other bar reaches the top.
        begin = now - timedelta(days=number % 33 if number < 44 else 5, hours=number % 5)
        names = [NAMES[(number + place) % len(NAMES)] for place in range(4)]
        session = await store.create_session(make_session(created_at=begin, participants=names, title=f"Talk {number}"))
        drafts = [
            make_draft(source=name, timestamp=begin + timedelta(minutes=minute), models_usage={"prompt_tokens": 5})
            for minute, name in enumerate(names * (1 + number % 3))
        ]
        await store.append_messages(session.session_id, drafts)
        await store.update_session(session.session_id, status=list(SessionStatus)[number % 4])


def open_usage(page: Page, site: Site, query: str = "") -> None:
    page.goto(f"{site.address}/usage/{query}")
    expect(page.locator("#usage-messages .plot [tabindex='0']")).to_have_count(1)  # the script has run


def count_in(words: str) -> int:
    return int(words.rsplit(" ", 2)[1].replace(",", ""))


def say_more(site: Site, **values: object) -> Session:
    session = site.create(**values)
    site.say(session, make_draft(source=AGENTS[0]))
    return session


@pytest.fixture(params=[(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")], ids=lambda it: f"{it[0]} {it[1]}")
def looking(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def test_the_page_keeps_the_rules_and_fits_the_screen(looking: BrowserContext, site: Site) -> None:
    page = log_in(looking, site)
    faults = {}
    for query in ("", "?days=7", "?from=2016-11-24&to=2026-11-23", "?tz=Mars&from=x", "?from=1990-01-01&to=1990-01-02"):
        page.goto(f"{site.address}/usage/{query}")
        expect(page.locator("h1")).to_have_text("Usage")
        for details in page.locator("main details").all():
            details.evaluate("it => it.open = true")
        faults |= {query: find_faults(page), f"{query} overflow": page.evaluate(OVERFLOW)}
    assert {name: fault for name, fault in faults.items() if fault} == {}


def test_charts_can_be_seen(looking: BrowserContext, site: Site) -> None:
    page = log_in(looking, site)
    open_usage(page, site)
    for name in ("messages", "sessions", "hours"):
        plot = page.locator(f"#usage-{name} .plot")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 100
        colours = set(plot.locator("rect:not(.column rect)").evaluate_all("all => all.map(it => getComputedStyle(it).fill)"))
        assert len(colours) > 3, name
        assert plot.evaluate(OUTSIDE) == 0, name


def test_a_part_of_a_bar_can_be_clicked_and_leads_to_as_many_sessions_as_it_says(page: Page, site: Site) -> None:
    open_usage(page, site)
    parts = page.locator("#usage-sessions .plot a:not(.column)")
    for place in range(0, parts.count(), 7):
        part = parts.nth(place)
        count = count_in(part.locator("title").text_content() or "")
        part.locator("rect").click()
        expect(page.locator("#count")).to_have_text(f"{count} session{'s' if count > 1 else ''}")
        expect(page.locator(".session")).to_have_count(count)
        page.go_back()


def test_the_place_above_a_bar_leads_to_all_of_its_sessions(page: Page, site: Site) -> None:
    open_usage(page, site)
    column = page.locator("#usage-sessions .plot .column").first
    count = count_in(column.locator("title").text_content() or "")
    column.locator("rect").click(position={"x": 2, "y": 2})
    expect(page.locator(".session")).to_have_count(count)


def test_figures_table_and_file_say_the_same(page: Page, site: Site) -> None:
    open_usage(page, site)
    for name in ("messages", "sessions"):
        page.locator(f"#usage-{name}-table summary").click()
        total = page.locator(f"#usage-{name}-table tfoot td").all_inner_texts()
        assert total[0] == page.locator(f"#figure-{name} .value").inner_text()
        with page.expect_download() as download:
            page.locator(f"#usage-{name} .csv").click()
        rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))[1:]
        assert [str(sum(int(row[place]) for row in rows)) for place in range(2, len(rows[0]))] == total
        bars = page.locator(f"#usage-{name} .plot .column title").all_text_contents()
        assert str(sum(map(count_in, bars))) == total[0]
        assert re.fullmatch(rf"chatlog-{name}-\d{{4}}-\d\d-\d\d-\d{{4}}-\d\d-\d\d\.csv", download.value.suggested_filename)


# -- the keyboard ------------------------------------------------------------------------------------------------------------


def focused(page: Page) -> str:
    return str(page.evaluate(FOCUSED)).strip()


def test_a_chart_is_one_stop_and_arrows_lead_through_it(page: Page, site: Site) -> None:
    open_usage(page, site)
    links = page.locator("#usage-sessions .plot g")
    page.locator("#usage-sessions .legend a").last.focus()
    page.keyboard.press("Tab")
    newest = links.last.locator("title").all_text_contents()
    assert focused(page) == newest[0]
    page.keyboard.press("ArrowUp")
    assert focused(page) == newest[1]
    assert page.evaluate("getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth") == "2px"
    page.keyboard.press("ArrowLeft")
    assert focused(page) == links.nth(-2).locator("title").first.text_content()
    page.keyboard.press("Home")
    first = focused(page)
    assert first == links.first.locator("title").first.text_content()
    page.keyboard.press("ArrowLeft")
    assert focused(page) == first
    page.keyboard.press("Tab")
    assert "Figures" in focused(page)
    page.keyboard.press("Shift+Tab")
    assert focused(page) == first
    page.keyboard.press("Enter")
    expect(page.locator(".session")).to_have_count(count_in(first))


def test_each_bar_is_read_out_as_a_link_with_its_figure(page: Page, site: Site) -> None:
    open_usage(page, site)
    chart = page.get_by_role("group", name="Sessions per day").last
    expect(chart.get_by_role("link", name=re.compile(r"^\w+, \d+ \w+ \d+: \d+ sessions?$")).first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("The busiest hour: "))).to_be_visible()


# -- while one watches -------------------------------------------------------------------------------------------------------


def test_the_figures_follow_and_leave_the_reader_where_they_are(page: Page, site: Site) -> None:
    open_usage(page, site)
    figure = page.locator("#figure-messages .value")
    before = int(figure.inner_text())
    page.locator("#usage-messages-table summary").click()
    link = page.locator("#usage-messages-table tbody a").first
    link.focus()
    page.evaluate("document.activeElement.kept = true")
    place = page.evaluate("scrollY")
    say_more(site)
    page.evaluate(LOOK_NOW)
    expect(figure).to_have_text(str(before + 1))
    assert page.evaluate("[document.activeElement.kept, scrollY]") == [True, place]
    expect(page.locator("#usage-messages-table")).to_have_attribute("open", "")
    expect(page.locator("#usage-messages-table tfoot td").first).to_have_text(str(before + 1))
    expect(page.locator("#usage-messages .plot [tabindex='0']")).to_have_count(1)
    assert page.errors == []  # type: ignore[attr-defined]


def test_an_unchanged_page_is_left_alone(page: Page, site: Site) -> None:
    open_usage(page, site)
    with page.expect_response(re.compile("/usage/figures")):
        page.evaluate(LOOK_NOW)
    page.evaluate(OBSERVE)
    with page.expect_response(re.compile("/usage/figures")) as answer:
        page.evaluate(LOOK_NOW)
    answer.value.finished()
    page.evaluate("new Promise(resolve => setTimeout(resolve, 100))")
    assert not page.evaluate("window.touched")


def test_a_lost_connection_is_told_and_forgotten_once_it_is_back(page: Page, site: Site) -> None:
    open_usage(page, site)
    with site.wire.down():
        page.evaluate(LOOK_NOW)
        expect(page.locator("#trouble")).to_contain_text("cannot be brought up to date")
    page.evaluate(LOOK_NOW)
    expect(page.locator("#trouble")).to_be_hidden()


def test_whoever_was_logged_out_is_led_to_the_login_and_back(page: Page, context: BrowserContext, site: Site) -> None:
    open_usage(page, site, "?days=7")
    context.clear_cookies(name="sessionid")
    page.evaluate(LOOK_NOW)
    page.wait_for_url(re.compile(r"/login/\?next=/usage/%3Fdays%3D7"))


# -- paper, no scripts, zones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_thirty_days_are_one_sheet_of_paper(theme: str, page: Page, site: Site) -> None:
    open_usage(page, site)
    page.evaluate(f"localStorage.setItem('theme', '{theme}')")
    open_usage(page, site)
    page.locator("#usage-messages-table summary").click()  # what is folded open stays off the paper
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator("#usage-messages-table")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_everything_is_there_and_can_be_reached(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(context, site)
    page.goto(f"{site.address}/usage/")
    page.get_by_text("Other days").click()
    page.fill("[name=tz]", "Pacific/Auckland")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#usage-days")).to_contain_text("Pacific/Auckland")
    expect(page.locator("#usage-sessions .plot .column")).not_to_have_count(0)
    column = page.locator("#usage-sessions .plot .column").first
    count = count_in(column.locator("title").text_content() or "")
    column.locator("rect").click(position={"x": 2, "y": 2})
    expect(page.locator(".session")).to_have_count(count)
    context.close()


def test_the_names_of_zones_are_offered_to_whoever_looks_for_one(page: Page, site: Site) -> None:
    open_usage(page, site)
    page.get_by_text("Other days").click()
    page.locator("[name=tz]").focus()
    offered = page.locator("#zones option").evaluate_all("all => all.map(it => it.value)")
    assert {"UTC", "Asia/Tokyo", "America/New_York"} <= set(offered)
