"""Whatever happens to the connection and to the server, the page ends with every remark once, in order."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatlog import Session, SessionStatus
from tests.browser.conftest import PATIENCE, Site, log_in, make_site
from tests.cosmos.npm_server import npm_server
from tests.factories import make_draft, make_drafts

SEQUENCES = "[...document.querySelectorAll('#messages > li')].map(row => Number(row.dataset.sequence))"


def watch(page: Page, site: Site, session: Session) -> None:
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)


def expect_exactly(page: Page, count: int) -> None:
    """Every remark from 1 to `count`, once, in order."""
    expect(page.locator(f"#message-{count}")).to_be_attached(timeout=3 * PATIENCE)
    assert page.evaluate(SEQUENCES) == list(range(1, count + 1))


def test_remarks_of_another_process_appear_while_they_are_saved(page: Page, site: Site) -> None:
    session = site.create(participants=["creative_planner"])
    site.say(session, make_draft(content="before the page was opened"))
    watch(page, site, session)
    for number in range(2, 7):
        site.say(session, make_draft(content=f"said while watching {number}"))
        expect(page.locator(f"#message-{number} .body")).to_have_text(f"said while watching {number}")
    expect_exactly(page, 6)
    expect(page.locator("#received")).to_have_text("6 of 6 received")
    site.change(session, status=SessionStatus.COMPLETED)
    expect(page.locator("#session-state .pill")).to_have_text("completed")
    assert page.errors == []


def test_twenty_cuts_and_a_killed_server_lose_and_double_nothing(page: Page, site: Site) -> None:
    session = site.create()
    rng = random.Random(20261123)
    said = 0

    def say(at_most: int) -> None:
        nonlocal said
        drafts = make_drafts(rng.randint(0, at_most))
        site.say(session, *drafts)
        said += len(drafts)

    say(5)
    watch(page, site, session)
    for cut in range(20):
        say(4)
        with site.wire.down():
            say(4)
            if cut == 10:
                site.end()  # kill -9 in mid-stream
                say(30)
                site.start()
            expect(page.locator("#connection.waiting")).to_be_attached()
            say(4)
        page.evaluate("dispatchEvent(new Event('online'))")  # so that the test need not wait for the next attempt
        expect(page.locator("#connection.live")).to_be_attached(timeout=PATIENCE)
    say(3)
    assert said > 80
    expect_exactly(page, said)
    expect(page.locator("#connection")).to_have_text("connected", timeout=PATIENCE)
    assert page.errors == []


def test_a_lost_connection_is_told_and_what_was_caught_up_too(page: Page, site: Site) -> None:
    session = site.create()
    site.say(session, make_draft())
    watch(page, site, session)
    site.end()
    expect(page.locator("#connection")).to_have_text("connection lost, trying again")
    site.say(session, *make_drafts(3))
    site.start()
    expect(page.locator("#connection")).to_have_text("resumed, 3 caught up", timeout=2 * PATIENCE)
    expect_exactly(page, 4)


def test_a_server_that_stops_politely_is_back_by_itself(page: Page, site: Site) -> None:
    session = site.create()
    site.say(session, make_draft())
    watch(page, site, session)
    started = time.monotonic()
    assert site.end(lambda process: process.send_signal(signal.SIGTERM)) == 0
    print(f"stopped after {time.monotonic() - started:.1f} s")
    site.say(session, make_draft())
    site.start()
    expect_exactly(page, 2)


@pytest.fixture
def deaf_site(tmp_path: Path) -> Iterator[Site]:
    """A site that hears no signal and no change of the store: its feeds have only their polls."""
    site = make_site(tmp_path, program=["-m", "tests.browser.deaf_serve"])
    site.start()
    yield site
    site.end()
    site.wire.close()


def test_with_every_signal_dropped_the_page_is_complete_all_the_same(context: BrowserContext, deaf_site: Site) -> None:
    page = log_in(context, deaf_site)
    session = deaf_site.create()
    watch(page, deaf_site, session)
    delays = []
    for number in range(1, 9):
        deaf_site.say(session, make_draft())
        said = time.monotonic()
        page.wait_for_selector(f"#message-{number}", state="attached")
        delays.append(time.monotonic() - said)
    print(f"seen after {max(delays):.2f} s at the latest, with no signal at all")
    expect_exactly(page, 8)


@pytest.fixture
def cosmos_site(tmp_path: Path) -> Iterator[Site]:
    """A site on Cosmos DB: the independent server from npm, through the real SDK."""
    with npm_server() as endpoint:
        cosmos = {"COSMOSDB_ENDPOINT": endpoint, "COSMOSDB_KEY": "bm8gc2VjcmV0", "COSMOSDB_EMULATOR": "1"}
        site = make_site(tmp_path, environment=cosmos)
        site.start()
        yield site
        site.end()
        site.wire.close()


def test_remarks_appear_from_cosmos_db_too(context: BrowserContext, cosmos_site: Site) -> None:
    page = log_in(context, cosmos_site)
    expect(page.locator(".empty")).to_be_visible()
    session = cosmos_site.create(task="Kept in Cosmos DB")
    expect(page.locator(".session .title")).to_have_text("Kept in Cosmos DB", timeout=PATIENCE)
    watch(page, cosmos_site, session)
    for number in range(1, 4):
        cosmos_site.say(session, make_draft(content=f"from another process {number}"))
        expect(page.locator(f"#message-{number} .body")).to_have_text(f"from another process {number}", timeout=PATIENCE)
    cosmos_site.wire.cut()
    cosmos_site.say(session, *make_drafts(150))
    expect_exactly(page, 153)
    cosmos_site.change(session, status=SessionStatus.COMPLETED)
    expect(page.locator("#session-state .pill")).to_have_text("completed", timeout=PATIENCE)
    assert page.errors == []


def test_a_burst_of_two_thousand_remarks_comes_whole(page: Page, site: Site) -> None:
    session = site.create()
    watch(page, site, session)
    for _ in range(10):
        site.say(session, *make_drafts(200))
    expect_exactly(page, 2000)


def test_eight_writers_and_two_pages(page: Page, context: BrowserContext, site: Site) -> None:
    session = site.create()
    other = context.new_page()
    watch(page, site, session)
    watch(other, site, session)

    def write(name: str) -> None:
        for _ in range(5):
            site.say(session, make_draft(source=name))

    writers = [threading.Thread(target=write, args=(f"writer_{number}",)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    expect_exactly(page, 40)
    expect_exactly(other, 40)


def test_logging_out_ends_the_live_page_of_another_tab(page: Page, context: BrowserContext, site: Site) -> None:
    session = site.create()
    watch(page, site, session)
    other = context.new_page()
    other.goto(site.address)
    other.click(".menu summary")
    other.click("text=Log out")
    expect(page.locator("#connection")).to_have_text("logged out")
    site.say(session, make_draft())
    page.wait_for_timeout(1500)
    assert page.evaluate(SEQUENCES) == []


def test_a_database_that_was_put_in_the_place_of_the_old_one_reloads_the_page(page: Page, site: Site) -> None:
    session = site.create(session_id="session_reset", task="old")
    site.say(session, *make_drafts(5))
    watch(page, site, session)
    site.end()
    for file in site.data_dir.glob("chatlog.sqlite3*"):
        file.unlink()
    new = site.create(session_id="session_reset", task="new")
    site.say(new, make_draft(content="of the new time"))
    site.start()
    expect(page.locator("h1")).to_have_text("new", timeout=2 * PATIENCE)
    expect_exactly(page, 1)


def test_the_list_is_live(page: Page, site: Site) -> None:
    expect(page.locator("#connection")).to_have_text("connected")
    expect(page.locator(".empty")).to_be_visible()
    session = site.create(task="A discussion that begins now")
    row = page.locator(f"[data-session={session.session_id}]")
    expect(row.locator(".pill")).to_have_text("running")
    site.say(session, *make_drafts(7))
    expect(row.locator(".figure").first).to_contain_text("7")
    site.change(session, status=SessionStatus.FAILED)
    expect(row.locator(".pill")).to_have_text("failed")
    assert page.errors == []


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    assert site.process is not None
    process = subprocess.run(
        [*site.process.args[:3], "--port", str(site.wire._target)],
        env={"CHATLOG_DATA_DIR": str(site.data_dir), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    assert f"Cannot listen on 127.0.0.1:{site.wire._target}" in process.stderr
