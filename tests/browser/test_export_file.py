"""The HTML file that an export is, opened from the disk: nothing in it runs or asks for anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from chatlog import Message, MessageDraft, Session
from dashboard.exporting_html import HtmlWriter
from tests.browser.test_accessibility import AXE, FAULTS, OVERFLOW, RULES, remarks_of_every_kind
from tests.browser.test_hostile_text import hostile_draft, hostile_session
from tests.browser.traps import STRANGERS, TOUCH, count_runs, trapped
from tests.factories import AGENTS, make_session
from tests.hostile import PAYLOADS


def write_file(path: Path, session: Session, drafts: Iterable[MessageDraft]) -> None:
    writer = HtmlWriter(zone=ZoneInfo("Asia/Tokyo"), language="en")
    messages = [
        Message.from_draft(draft, session_id=session.session_id, sequence=number)
        for number, draft in enumerate(drafts, start=1)
    ]
    parts = [
        writer.begin(),
        writer.session(session, count=len(messages)),
        writer.messages(session, messages),
        writer.end(sessions=1, messages=len(messages)),
    ]
    path.write_text("".join(parts))


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["with its policy", "without its policy"])
def test_nothing_in_the_file_runs_or_asks_for_anything(bypass_csp: bool, browser: Browser, tmp_path: Path) -> None:  # noqa: FBT001
    write_file(tmp_path / "export.html", hostile_session(PAYLOADS[:90], number=0), map(hostile_draft, PAYLOADS))
    address = (tmp_path / "export.html").as_uri()
    with trapped(browser, bypass_csp=bypass_csp) as (context, trap):
        asked: list[str] = []  # of other files, too, for which no browser asks its proxy
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(address)
        assert page.locator("article").count() == len(PAYLOADS)
        page.evaluate(TOUCH)
        assert page.evaluate(STRANGERS) == ["<style>"]  # its own
        assert count_runs(page) == 0
    assert asked == [address]
    assert trap.caught == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_file_is_for_everybody(width: int, scheme: str, browser: Browser, tmp_path: Path) -> None:
    session = make_session(title="新しい通知の名前", task="One\ntwo", participants=AGENTS, tags=["料金", "naming"])
    write_file(tmp_path / "export.html", session, remarks_of_every_kind())
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((tmp_path / "export.html").as_uri())
    assert page.evaluate(OVERFLOW) <= 0
    assert list_faults(page) == []
    assert complaints == []
    context.close()


def list_faults(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    faults: list[str] = page.evaluate(FAULTS, RULES)
    return faults
