"""Hostile text in every field, in a real browser: with every layer, without the policy, and with the policy alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from chatlog import MessageDraft, MessageKind, Session, SessionStore
from chatlog.services.browsing import WINDOW_MESSAGES
from chatlog.services.watching import MOST_SESSIONS
from dashboard.session_rows import row_id
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.browser.traps import STRANGERS, TOUCH, Trap, count_runs, trapped
from tests.factories import make_draft, make_session
from tests.hostile import PAYLOADS, REFRESHES, is_id

pytestmark = pytest.mark.slow
BATCH = WINDOW_MESSAGES  # all of a batch are on the page
SHOWN = "[...document.querySelectorAll('#messages > li')].map(row => [row.dataset.source, row.dataset.messageId])"
IDS = [payload for payload in PAYLOADS if is_id(payload)]
# Touching all of the list would star all of it, too: a hundred requests with nothing to show.
KEEP_REQUESTS_BACK = "addEventListener('htmx:beforeRequest', event => event.preventDefault(), true)"


def in_batches(payloads: Sequence[str]) -> list[Sequence[str]]:
    return [payloads[start : start + BATCH] for start in range(0, len(payloads), BATCH)]


# A refresh is no script and no request of the page's: no policy forbids it. It has to be kept out, and is by both other layers.
WITHOUT_REFRESHES = in_batches([payload for payload in PAYLOADS if payload not in REFRESHES])


def hostile_draft(payload: str, *, kind: str | None = None, end: str = "") -> MessageDraft:
    values = {"message_id": payload + end} if is_id(payload + end) else {}
    return make_draft(
        content=payload,
        source=payload[:255],
        kind=kind or payload[:64],
        models_usage={"prompt_tokens": payload, "completion_tokens": 1},
        metadata={payload: payload},
        **values,
    )


def hostile_session(payloads: Sequence[str], *, number: int) -> Session:
    """A session whose every field is hostile. No payload is longer than a title may be, but the longest of all."""
    return make_session(
        session_id=f"{IDS[number]} {number}",
        title=" ".join(payloads)[:500],
        task="\n".join(payloads),
        tags=[payload for payload in payloads if len(payload) <= 100][:50],
        participants=[payload[:255] for payload in payloads],
        metadata={payload: payload for payload in payloads},
    )


def one_session_each(payloads: Sequence[str]) -> list[Session]:
    return [
        make_session(
            title=payload[:500],
            task=payload,
            tags=[payload[:100]],
            participants=[payload[:255]],
            **({"session_id": payload} if is_id(payload) else {}),
        )
        for payload in payloads
    ]


def create_all(site: Site, sessions: Sequence[Session]) -> None:
    async def work(store: SessionStore) -> None:
        for session in sessions:
            await store.create_session(session)

    site._with_store(work)


def watch(page: Page, site: Site, session_id: str) -> str:
    address = f"{site.address}/sessions/{quote(session_id, safe='')}/"
    page.goto(address)
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    return address


def expect_text_only(page: Page, trap: Trap) -> None:
    address = without_query(page.url)
    page.evaluate(TOUCH)
    assert page.evaluate(STRANGERS) == []
    assert count_runs(page) == 0
    assert trap.caught == []
    assert without_query(page.url) == address


def without_query(address: str) -> str:
    """Touching a remark's number puts it into the query."""
    return address.partition("?")[0]


@dataclass
class Reader:
    page: Page
    trap: Trap
    payloads: Sequence[str]


# A policy only forbids: what does not run where it is ignored does not run where it holds. So a part is enough to see
# that the pages are the same under it.
@pytest.fixture(params=[(PAYLOADS, True), (PAYLOADS[::6], False)], ids=["without the policy", "with the policy"])
def reader(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Somebody who is logged in, once with a browser that ignores the policy, once with everything."""
    payloads, bypass_csp = request.param
    with trapped(browser, host=site.host, bypass_csp=bypass_csp) as (context, trap):
        context.set_default_timeout(PATIENCE)
        yield Reader(log_in(context, site), trap, payloads)
    assert trap.caught == []


def test_nothing_in_a_discussion_runs(reader: Reader, site: Site) -> None:
    page, trap = reader.page, reader.trap
    for number, payloads in enumerate(in_batches(reader.payloads)):
        session = hostile_session(payloads, number=number)
        create_all(site, [session])
        stored = site.say(session, *(hostile_draft(payload) for payload in payloads))
        address = watch(page, site, session.session_id)
        expect(page.locator("#messages > li")).to_have_count(len(payloads))
        expect_text_only(page, trap)
        kinds = itertools.cycle(MessageKind)
        drafts = [hostile_draft(payload, kind=next(kinds), end="2") for payload in payloads]
        stored += site.say(session, *drafts)
        expect(page.locator("#messages > li")).to_have_count(2 * len(payloads))
        expect_text_only(page, trap)
        assert without_query(page.url) == address
        shown = page.evaluate(SHOWN)
        assert shown == [[_as_parsed(message.source), message.message_id] for message in stored]
    assert page.errors == []


def _as_parsed(text: str) -> str:
    """HTML knows one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_nothing_in_the_list_runs(reader: Reader, site: Site) -> None:
    page, trap = reader.page, reader.trap
    for payloads in in_batches(reader.payloads):
        show_list(page, site)
        sessions = one_session_each(payloads)
        create_all(site, sessions)
        for _ in ("as it comes in live", "as it is there at first"):
            expect(page.locator(".session").first).to_have_attribute("data-session", sessions[-1].session_id)
            page.evaluate(KEEP_REQUESTS_BACK)
            expect_text_only(page, trap)
            page.goto(f"{site.address}/")
        open_all_forms(page)
        assert page.evaluate(STRANGERS) == []
        assert count_runs(page) == 0
    assert page.errors == []


def open_all_forms(page: Page) -> None:
    page.evaluate("document.querySelectorAll('.session .edit').forEach(it => it.click())")
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    expect(page.locator(".session .edit-form")).to_have_count(page.locator(".session").count())


def test_nothing_on_the_wall_runs(reader: Reader, site: Site) -> None:
    page, trap = reader.page, reader.trap
    page.goto(f"{site.address}/live/")
    for start in range(0, len(reader.payloads), 3 * MOST_SESSIONS):
        payloads = reader.payloads[start : start + 3 * MOST_SESSIONS : 3]
        sessions = one_session_each(payloads)
        create_all(site, sessions)
        for session, payload in zip(sessions, payloads, strict=True):
            site.say(session, hostile_draft(payload))
        for _ in ("as it comes in live", "as it is there at first"):
            expect(page.locator(".tile").first).to_have_id(row_id(sessions[-1]))
            expect(page.locator(".tile .avatar")).to_have_count(MOST_SESSIONS)  # everybody has spoken
            expect_text_only(page, trap)
            page.goto(f"{site.address}/live/")
    assert page.errors == []


def show_list(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)


def test_nothing_among_the_figures_of_use_runs(reader: Reader, site: Site) -> None:
    page, trap = reader.page, reader.trap
    for number, payloads in enumerate(in_batches(reader.payloads)):
        session = hostile_session(payloads, number=number)
        create_all(site, [session])
        # Each batch says more than the one before: its speakers are in the chart, all others in the table.
        site.say(session, *(make_draft(source=payload[:255]) for payload in payloads for _ in range(1 + number)))
        page.goto(f"{site.address}/usage/")
        for details in page.locator("main details").all():
            details.evaluate("it => it.open = true")
        expect(page.locator(".agents tbody tr")).not_to_have_count(0)
        expect_text_only(page, trap)
    assert page.errors == []


def test_nothing_in_an_address_runs(reader: Reader, site: Site) -> None:
    page, trap = reader.page, reader.trap
    paths = [f"/sessions/{quote(payload, safe='')}/" for payload in reader.payloads if payload in IDS[::2]]
    for start, payload in enumerate(reader.payloads[::6]):
        quoted = quote(payload, safe="")
        words = (f"/?agent={quoted}&tag={quoted}&q={quoted}", f"/search/?q={quoted}")
        addresses = (
            f"/?cursor={quoted}",
            f"/sessions/x/?before={quoted}",
            f"/login/?next={quoted}",
            f"/nowhere/{quoted}",
            f"/usage/?tz={quoted}&from={quoted}",
            *words,
        )
        paths.append(addresses[start % len(addresses)])
    for path in paths:
        page.goto(site.address + path, wait_until="domcontentloaded")
        expect_text_only(page, trap)


@pytest.fixture
def naked_site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(tmp_path, program=["-m", "tests.browser.naked_serve"])
    site.start()
    yield site
    site.end()
    site.wire.close()


def visit(context: BrowserContext, site: Site, batches: Sequence[Sequence[str]]) -> int:
    """Read the payloads, in the first page and live, in every field; returns how many have run."""
    page = log_in(context, site)
    runs = 0
    for number, payloads in enumerate(batches):
        for session in _sessions_to_visit(site, payloads, number=number):
            page.goto(f"{site.address}/sessions/{quote(session.session_id, safe='')}/")
            site.say(session, *(make_draft(content=payload) for payload in payloads))
            page.wait_for_timeout(800)  # there is no telling what such a page still shows
            page.evaluate(TOUCH)
            runs += count_runs(page)
        page.goto(f"{site.address}/")
        page.wait_for_timeout(500)
        page.evaluate(TOUCH)
        runs += count_runs(page)
    return runs


def _sessions_to_visit(site: Site, payloads: Sequence[str], *, number: int) -> list[Session]:
    plain = site.create()
    site.say(plain, *(make_draft(content=payload) for payload in payloads))
    hostile = hostile_session(payloads, number=number)
    create_all(site, [hostile, *one_session_each(payloads[:: BATCH // 10])])
    site.say(hostile, *(hostile_draft(payload) for payload in payloads))
    return [plain, hostile]


def test_the_policy_alone_lets_nothing_run(browser: Browser, naked_site: Site) -> None:
    with trapped(browser, host=naked_site.host) as (context, trap):
        assert visit(context, naked_site, WITHOUT_REFRESHES) == 0
    assert trap.caught == []


def test_without_the_policy_the_same_pages_run_it(browser: Browser, naked_site: Site) -> None:
    """A control of the test before: the payloads do arrive there, and it is the policy that stops them."""
    leading_away = max(WITHOUT_REFRESHES, key=lambda payloads: sum("evil.example" in payload for payload in payloads))
    with trapped(browser, host=naked_site.host, bypass_csp=True) as (context, trap):
        runs = visit(context, naked_site, [leading_away])
    print(f"without any defence {runs} runs, {len(trap.caught)} dialogs, requests and windows")
    assert runs > 30
    assert len(trap.caught) > 30
    assert any("evil.example" in caught for caught in trap.caught)


def test_the_payloads_run_where_nothing_is_in_their_way(browser: Browser) -> None:
    """A control of all the tests: on a bare page they do what they want to."""
    tried = PAYLOADS[::9]
    with trapped(browser) as (context, trap):
        context.route("http://bare.example/**", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page = context.new_page()
        worked = [payload for payload in tried if _works(payload, page, trap)]
    print(f"{len(worked)} of {len(tried)} payloads work on a bare page")
    assert len(worked) > 20


def _works(payload: str, page: Page, trap: Trap) -> bool:
    before = len(trap.caught)
    page.goto("http://bare.example/")
    try:
        page.set_content(f"<main>{payload}</main>", timeout=2000)
        page.evaluate(TOUCH)
        return bool(count_runs(page) or len(trap.caught) > before)
    except Error:  # it has led the page away
        return True
