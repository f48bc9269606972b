"""One discussion of five thousand remarks with a real browser: landing in it, going through it, finding, filtering, copying."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from chatlog import MessageKind, Session, SessionStatus
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.browser.test_accessibility import OVERFLOW, find_faults, is_at_the_end, walk
from tests.factories import AGENTS, make_draft, make_drafts

SEQUENCES = "[...document.querySelectorAll('#messages > li')].map(row => Number(row.dataset.sequence))"
# Looked at in the page: handing out thousands of numbers for each step of a long way takes longer than the way.
WHOLE = f"""(() => {{
  const all = {SEQUENCES};
  return {{ first: all[0], last: all.at(-1), hole: all.find((number, place) => number !== all[0] + place) ?? null }};
}})()"""
MARKED = "CSS.highlights.get('find-here') ? [...CSS.highlights.get('find-here')].map(String) : []"
ZEBRAS = [251, 1251, 2251, 3251, 4251]
WIDTHS = [(360, 780), (1280, 900)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("session"))
    site.start()
    yield site
    site.end()
    site.wire.close()


def say_many(site: Site, session: Session, count: int) -> None:
    for start in range(0, count, 500):
        drafts = make_drafts(min(500, count - start))
        if start % 1000 == 0 and len(drafts) > 250:
            drafts[250:251] = [make_draft(source=AGENTS[1], content="A **Ｚｅｂｒａ** in the 空間.")]
        site.say(session, *drafts)


@pytest.fixture(scope="module")
def long(site: Site) -> Session:
    session = site.create(title="長い会議", participants=AGENTS)
    say_many(site, session, 5_000)
    return site.change(session, status=SessionStatus.COMPLETED)


@pytest.fixture(params=WIDTHS, ids=lambda it: str(it[0]))
def page(context: BrowserContext, site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = log_in(context, site)
    page.set_viewport_size({"width": request.param[0], "height": request.param[1]})
    yield page
    assert page.errors == []  # type: ignore[attr-defined]


# Below the bars, and in the upper half unless the page ends there, but for some of the empty space below its last remark.
IS_WHERE_EYES_LOOK_FIRST = """sequence => {
  const { top } = document.getElementById(`message-${sequence}`).getBoundingClientRect();
  const isAtTheEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 16;
  const bars = document.getElementById("session-state").getBoundingClientRect();
  return top >= bars.bottom - 1 && (top < innerHeight / 2 || isAtTheEnd);
}"""


def look_at(page: Page, site: Site, session: Session, rest: str = "") -> None:
    page.goto("about:blank")
    page.goto(f"{site.address}/sessions/{session.session_id}/{rest}")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)


def expect_no_hole(page: Page) -> list[int]:
    numbers: list[int] = page.evaluate(SEQUENCES)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    return numbers


def expect_landed(page: Page, sequence: int) -> None:
    row = page.locator(f"#message-{sequence}")
    expect(row).to_be_in_viewport(ratio=0.9, timeout=PATIENCE)
    expect(page.locator("#messages > :target")).to_have_attribute("data-sequence", str(sequence))
    # While what is above it is measured it moves, and is put back.
    page.wait_for_function(IS_WHERE_EYES_LOOK_FIRST, arg=sequence, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("rest", "sequence"),
    [("?at=2500#message-2500", 2500), ("#message-2500", 2500), ("?at=2500", 2500), ("?at=1#message-1", 1), ("?at=5000", 5000)],
)
def test_a_link_lands_on_its_remark(rest: str, sequence: int, page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, rest)
    expect_landed(page, sequence)
    page.wait_for_timeout(600)  # what comes around it does not push it away
    expect_landed(page, sequence)
    expect_no_hole(page)


def test_a_link_to_a_remark_that_is_not_there_says_so(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "#message-5001")
    expect(page.locator("#told")).to_have_text("There is no remark #5001 so far")


def test_scrolling_leads_to_both_ends_in_order(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=2500#message-2500")
    expect_landed(page, 2500)
    for side, end, height in (("earlier", 1, 0), ("later", 5000, 10_000_000)):
        for _ in range(200):
            if page.locator(f"#{side}").is_hidden():
                break
            loaded = page.evaluate(WHOLE)
            assert loaded["hole"] is None
            page.evaluate(f"scrollTo(0, {height})")
            page.wait_for_function(
                f"""({{ first, last }}) => {{
                    const rows = document.getElementById("messages");
                    return Number(rows.firstElementChild.dataset.sequence) < first
                      || Number(rows.lastElementChild.dataset.sequence) > last || document.getElementById("{side}").hidden;
                }}""",
                arg=loaded,
            )
        assert end in expect_no_hole(page)
    assert expect_no_hole(page) == list(range(1, 5001))


def test_what_is_read_stays_in_its_place_while_more_comes(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=2500#message-2500")
    expect_landed(page, 2500)
    page.wait_for_timeout(800)
    before = page.locator("#message-2500").bounding_box()
    page.evaluate("document.querySelector('#earlier a').click()")
    page.wait_for_timeout(800)
    after = page.locator("#message-2500").bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == pytest.approx(before["y"], abs=2)


def test_a_session_that_grows_while_its_middle_is_read_is_live_again_at_its_end(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS)
    say_many(site, session, 400)
    look_at(page, site, session, "?at=100#message-100")
    expect_landed(page, 100)
    last = expect_no_hole(page)[-1]
    assert last < 400
    site.say(session, *make_drafts(30))
    expect(page.locator("#jump")).to_have_text(re.compile(r"↓ \d+ later"))
    page.wait_for_function(
        f"() => document.getElementById('jump').textContent === '↓ ' + (430 - {SEQUENCES}.at(-1)) + ' later'"
    )
    assert expect_no_hole(page)[-1] < 400, "nothing is put behind a hole"
    page.click("#jump")
    expect(page.locator("#message-430")).to_be_in_viewport()
    expect_no_hole(page)
    site.say(session, make_draft(content="live again"))
    expect(page.locator("#message-431 .body")).to_have_text("live again")
    expect(page.locator("#message-431")).to_be_in_viewport()
    expect_no_hole(page)


def test_scrolling_to_the_end_of_a_growing_session_leaves_nothing_out(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS)
    say_many(site, session, 200)
    look_at(page, site, session, "?at=1#message-1")
    for number in range(201, 261):
        site.say(session, make_draft())
        if number % 6 == 0:
            page.evaluate("scrollTo(0, 10000000)")
    expect(page.locator("#message-260")).to_be_attached(timeout=PATIENCE) if page.locator("#later").is_hidden() else None
    for _ in range(10):
        if page.locator("#message-260").count():
            break
        page.evaluate("scrollTo(0, 10000000)")
        page.wait_for_timeout(300)
    site.say(session, make_draft())
    expect(page.locator("#message-261")).to_be_attached(timeout=PATIENCE)
    assert expect_no_hole(page)[-1] == 261


def test_a_cut_while_the_middle_is_read_changes_nothing(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS)
    say_many(site, session, 300)
    look_at(page, site, session, "?at=50#message-50")
    with site.wire.down():
        expect(page.locator("#connection.waiting")).to_be_attached()
        site.say(session, *make_drafts(5))
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#connection.live")).to_be_attached(timeout=PATIENCE)
    assert expect_no_hole(page)[-1] < 300
    page.click("#jump")
    expect(page.locator("#message-305")).to_be_in_viewport(timeout=PATIENCE)
    expect_no_hole(page)


# -- find ---------------------------------------------------------------------------------------------------------------


def test_find_goes_through_matches_that_are_not_loaded(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=1#message-1")
    page.keyboard.press("f")
    box = page.locator("#find input")
    expect(box).to_be_focused()
    box.fill("zebra")
    for number, sequence in enumerate(ZEBRAS, 1):
        box.press("Enter")
        expect_landed(page, sequence)
        expect(page.locator("#find-place")).to_have_text(f"{number} of 5")
        assert page.evaluate(MARKED) == ["Ｚｅｂｒａ"]
        expect_no_hole(page)
    box.press("Enter")
    expect_landed(page, ZEBRAS[0])
    box.press("Shift+Enter")
    expect_landed(page, ZEBRAS[-1])
    page.click("#find-previous")
    expect_landed(page, ZEBRAS[-2])
    page.locator(f"#message-{ZEBRAS[-2]}").focus()
    page.keyboard.press("n")
    expect_landed(page, ZEBRAS[-1])
    page.keyboard.press("N")
    expect_landed(page, ZEBRAS[-2])
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    assert page.evaluate(MARKED) == []


def test_find_says_when_nothing_matches_and_takes_short_words(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=2500#message-2500")
    page.click("#find-open")
    for text, words in (
        ("lion", "Nothing matches."),
        ("", "Type a word to find."),
        ("空", "1 of the first 1,000"),
        ("1", "1 of "),
    ):
        page.locator("#find input").fill(text)
        page.locator("#find input").press("Enter")
        expect(page.locator("#find-place")).to_contain_text(words)


def test_arriving_from_a_search_shows_where(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=2251&find=zebra#message-2251")
    expect_landed(page, 2251)
    expect(page.locator("#find-place")).to_have_text("3 of 5")
    expect(page.locator("#find input")).to_have_value("zebra")
    assert page.evaluate(MARKED) == ["Ｚｅｂｒａ"]


# -- filters ------------------------------------------------------------------------------------------------------------


def visible_rows(page: Page) -> list[list[str]]:
    rows: list[list[str]] = page.evaluate(
        """[...document.querySelectorAll("#messages > li")].filter(row => row.checkVisibility())
           .map(row => [row.dataset.source, row.dataset.kind ?? "text"])"""
    )
    return rows


def test_speakers_and_kinds_are_filtered_and_the_address_keeps_it(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS[:2])
    for source in AGENTS[:2]:
        site.say(session, *(make_draft(source=source, kind=kind) for kind in (*MessageKind, "own")))
    look_at(page, site, session)
    page.click(f'[data-only="{AGENTS[0]}"]')
    assert {source for source, _ in visible_rows(page)} == {AGENTS[0]}
    expect(page.locator("#filtered")).to_contain_text("8 of the 16 remarks")
    for kinds in ("tool_call", "event"):
        page.click(f'[data-kinds~="{kinds}"]')
    assert {kind for _, kind in visible_rows(page)} == {"text", "thought", "handoff", "error"}
    page.reload()
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    expect(page.locator("#filtered")).to_contain_text("4 of the 16 remarks")
    site.say(session, make_draft(source=AGENTS[1]), make_draft(source=AGENTS[0], kind="event"))
    expect(page.locator("#message-18")).to_be_hidden()
    expect(page.locator("#filtered")).to_contain_text("4 of the 18 remarks")
    page.click("#filtered button")
    assert len(visible_rows(page)) == 18
    assert "by=" not in page.url


def test_a_filter_holds_for_parts_that_come_later(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, f"?at=2500&by={AGENTS[2]}")
    page.evaluate("document.querySelector('#earlier a').click()")
    page.wait_for_timeout(800)
    assert {source for source, _ in visible_rows(page)} == {AGENTS[2]}
    expect_no_hole(page)


# -- copying, keys, neighbours -------------------------------------------------------------------------------------------


def test_a_remark_and_its_link_are_copied(page: Page, context: BrowserContext, site: Site, long: Session) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    look_at(page, site, long, "?at=2251#message-2251")
    page.keyboard.press("y")
    expect(page.locator("#told")).to_have_text("Link copied")
    link = f"{site.address}/sessions/{long.session_id}/?at=2251#message-2251"
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.keyboard.press("c")
    expect(page.locator("#told")).to_have_text("Copied as Markdown")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(f"> **{AGENTS[1]}**".replace("_", "\\_") if "\\_" in text else f"> **{AGENTS[1]}**")
    assert f"[#2251]({link})" in text
    assert text.endswith("\n\nA **Ｚｅｂｒａ** in the 空間.\n")
    page.locator("#message-2252 .number").click()
    expect_landed(page, 2252)
    assert page.url.endswith("?at=2252#message-2252")


def test_keys_go_to_both_ends_and_over_the_edges_of_what_is_loaded(page: Page, site: Site, long: Session) -> None:
    look_at(page, site, long, "?at=2500#message-2500")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.sequence") == "2501"
    page.keyboard.press("g")
    page.keyboard.press("g")
    page.wait_for_function("() => document.activeElement.dataset.sequence === '1'")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.dataset.sequence") == "1"
    page.keyboard.press("G")
    expect(page.locator("#message-5000")).to_be_in_viewport()
    assert is_at_the_end(page)
    expect_no_hole(page)


def test_brackets_lead_to_the_neighbours_in_the_list(page: Page, site: Site, long: Session) -> None:
    newer = site.create(task="The newest there is")
    look_at(page, site, newer)
    page.keyboard.press("]")
    page.wait_for_url(lambda url: "/sessions/" in url and newer.session_id not in url)
    page.keyboard.press("[")
    page.wait_for_url(f"**/sessions/{newer.session_id}/")
    page.keyboard.press("[")
    expect(page.get_by_role("heading")).to_have_text("This is the newest discussion.")


# -- where I was --------------------------------------------------------------------------------------------------------


def tells(sequence: int) -> Callable[[Response], bool]:
    """An answer to the word that its reader has come as far as this."""
    words = f'name="sequence"\r\n\r\n{sequence}\r\n'
    return lambda answer: answer.url.endswith("/read") and words in (answer.request.post_data or "")


def test_the_line_stands_where_its_reader_left(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS)
    site.say(session, *make_drafts(20))
    with page.expect_response(tells(20)) as answer:  # on a busy machine it tells of a remark on its way there before
        look_at(page, site, session)
    assert answer.value.status == 204
    page.goto(site.address)
    site.say(session, *make_drafts(45))
    look_at(page, site, session)
    expect(page.locator("#message-21")).to_have_attribute("data-since", "45 new since you left")
    expect(page.locator("#message-65")).to_be_in_viewport()  # it runs: its end is followed
    page.locator("#since a").evaluate("it => it.click()")
    expect_landed(page, 21)
    page.keyboard.press("G")
    with page.expect_response(tells(66)):
        site.say(session, make_draft())
    page.reload()
    expect(page.locator("#since")).to_have_count(0)


# -- for everybody ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_keeps_the_rules_with_everything_open(
    width: int, theme: str, browser: Browser, site: Site, long: Session
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    page = log_in(context, site)
    look_at(page, site, long, f"?at=2251&find=zebra&by={AGENTS[1]}#message-2251")
    expect(page.locator("#find-place")).to_have_text("3 of 5")
    page.locator("#message-2251").focus()
    faults = {"session": find_faults(page), "overflow": page.evaluate(OVERFLOW)}
    page.keyboard.press("?")
    faults |= {"keys": find_faults(page)}
    for name, path in {"find": f"{long.session_id}/find?q=zebra", "none": f"{long.session_id}/find?q=lion"}.items():
        page.goto(f"{site.address}/sessions/{path}")
        faults |= {name: find_faults(page), f"{name} overflow": page.evaluate(OVERFLOW)}
    context.close()
    assert {name: fault for name, fault in faults.items() if fault and fault != 0} == {}


def test_tab_reaches_the_find_bar_and_the_links_of_a_remark(page: Page, site: Site) -> None:
    session = site.create(participants=AGENTS[:1])
    site.say(session, make_draft(source=AGENTS[0]))
    look_at(page, site, session, "?find=")
    page.evaluate("document.querySelector('.skip').focus()")  # from the top of the page on
    names = " ".join(element["name"] for element in walk(page, 80))
    for part in ('name="q"', "find-next", "find-close", 'class="number"', "data-kinds", "export?format=md", 'id="older"'):
        assert part in names


def test_without_scripts_it_is_read_in_parts(browser: Browser, site: Site, long: Session) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = log_in(context, site)
    page.goto(f"{site.address}/sessions/{long.session_id}/?at=2251&find=zebra#message-2251")
    expect(page.locator("#message-2251")).to_be_in_viewport()
    expect(page.locator(":target")).to_have_count(1)
    first = page.locator("#messages > li").first.get_attribute("data-sequence")
    page.get_by_text("Show earlier remarks").click()
    expect(page.locator("#messages > li").last).to_have_attribute("data-sequence", str(int(first or 0) - 1))
    page.get_by_text("Show later remarks").click()
    expect(page.locator("#messages > li").first).to_have_attribute("data-sequence", str(first))
    page.goto(f"{site.address}/sessions/{long.session_id}/?find=zebra")
    page.get_by_role("button", name="List matches").click()
    expect(page.locator(".matches a")).to_have_text([f"#{number}" for number in ZEBRAS])
    page.locator(".matches a").nth(1).click()
    expect(page.locator(f"#message-{ZEBRAS[1]}")).to_be_in_viewport()
    unread = site.create()
    site.say(unread, make_draft())
    page.goto(f"{site.address}/sessions/{unread.session_id}/")
    page.get_by_role("button", name="I have read up to here").click()
    expect(page.get_by_role("button", name="I have read up to here")).to_have_count(0)
    context.close()
