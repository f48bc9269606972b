"""The site as somebody in Tokyo sees it who has a Japanese browser, and what the switch does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chatlog import SessionStatus
from tests.browser.conftest import PATIENCE, Site, make_site
from tests.factories import make_draft

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)  # 21:00 in Tokyo
WIDTHS = [360, 1280]
AGO = ["たった今", "たった今", "1分前", "2時間前", "1日前", "3日前"]  # 0 s, 59 s, 1 min, 2 h 3 min, 1 day, 3 days 4 h


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("languages"))
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ja-JP", timezone_id="Asia/Tokyo")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def refused(page: Page) -> list[str]:
    """What the browser's console says is wrong: a script or style that the policy forbids is among it."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    return said


def test_a_japanese_browser_is_answered_in_japanese_from_the_first_page(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(f"{site.address}/login/")
    expect(page.locator("h1")).to_have_text("ログイン")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("label").first).to_have_text("ユーザー名")
    expect(page.locator(".languages button")).to_have_text(["English", "日本語"])


def test_a_live_remark_comes_in_japanese_and_at_the_time_of_tokyo(page: Page, site: Site, refused: list[str]) -> None:
    session = site.create()
    site.say(session, make_draft(timestamp=NOON))
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("接続中")
    site.say(session, make_draft(timestamp=NOON, kind="tool_call", source="批評"))
    expect(page.locator("#message-2 time")).to_have_text("21:00:00")
    expect(page.locator("#message-2 .kind")).to_have_text("ツール呼び出し")
    expect(page.locator("#message-1 time")).to_have_attribute("title", "2026-11-23 21:00:00 JST")
    site.change(session, status=SessionStatus.FAILED)
    expect(page.locator("#session-state .pill")).to_have_text("失敗")
    assert refused == page.errors == []  # type: ignore[attr-defined]


def test_the_list_comes_alive_in_japanese(page: Page, site: Site, refused: list[str]) -> None:
    page.goto(f"{site.address}/")
    expect(page.locator("#connection")).to_have_text("接続中")
    session = site.create(title="新しい議論")
    row = page.locator(".session", has_text="新しい議論")
    expect(row.locator(".pill")).to_have_text("実行中")
    expect(row.locator("time")).to_have_text("たった今")
    site.change(session, status=SessionStatus.COMPLETED)
    expect(row.locator(".pill")).to_have_text("完了")
    assert refused == page.errors == []  # type: ignore[attr-defined]


def test_a_lost_connection_is_told_in_japanese(page: Page, site: Site) -> None:
    session = site.create()
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#connection")).to_have_text("接続中")
    with site.wire.down():
        expect(page.locator("#connection")).to_contain_text("再接続")


def test_the_search_says_what_it_found_in_japanese(page: Page, site: Site, refused: list[str]) -> None:
    session = site.create()
    site.say(session, make_draft(content="価格は月額で決めます。", timestamp=NOON))
    page.goto(f"{site.address}/search/?q=価格")
    expect(page.locator(".meta[role=status]")).to_have_text("1 セッションに 1 件")
    expect(page.locator("main")).to_contain_text("21:00")
    assert refused == page.errors == []  # type: ignore[attr-defined]


def test_the_switch_to_english_persists(page: Page, context: BrowserContext, site: Site) -> None:
    page.goto(f"{site.address}/search/?q=価格")
    page.click(".menu summary")
    page.click(".menu button[lang=en]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.url.endswith("/search/?q=%E4%BE%A1%E6%A0%BC")
    another = context.new_page()
    another.goto(f"{site.address}/")
    expect(another.locator("h1")).to_contain_text("Sessions")
    expect(another.locator("#connection")).to_have_text("connected")
    site.create(title="English now")
    expect(another.locator(".session", has_text="English now").locator(".pill")).to_have_text("running")


def test_the_switch_needs_no_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(locale="ja-JP", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/login/")
    page.click("button[lang=en]")
    expect(page.locator("h1")).to_have_text("Log in")
    context.close()


def test_a_page_made_before_the_zone_was_known_is_moved_into_it(page: Page, context: BrowserContext, site: Site) -> None:
    session = site.create()
    site.say(session, make_draft(timestamp=NOON))
    context.clear_cookies(name="timezone")
    page.goto(f"{site.address}/sessions/{session.session_id}/")
    expect(page.locator("#message-1 time")).to_have_text("21:00:00")
    expect(page.locator("#message-1 time")).to_have_attribute("title", re.compile(r"^2026-11-23 21:00:00 (JST|GMT\+9)$"))
    expect(page.locator("[data-zone-name]")).to_have_text("Asia/Tokyo")
    assert {cookie["name"]: cookie["value"] for cookie in context.cookies()}["timezone"] == "Asia/Tokyo"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-zone", "Asia/Tokyo")


def test_scripts_say_lengths_of_time_as_the_server_does(page: Page, site: Site) -> None:
    said = page.evaluate("""async () => {
        const words = await import("/static/js/words.js");
        return [0, 59, 60, 7380, 86400, 273600].map((seconds) => [words.duration(seconds), words.ago(seconds)]);
    }""")
    lengths = ["0秒", "59秒", "1分", "2時間3分", "1日", "3日4時間"]
    assert said == [[length, ago] for length, ago in zip(lengths, AGO, strict=True)]


@pytest.mark.parametrize("width", WIDTHS)
def test_japanese_words_fit(width: int, page: Page, site: Site) -> None:
    session = site.create(title="リモートワーク時代の新しいコミュニケーションツール", tags=("急ぎ", "企画"))
    site.say(session, *[make_draft(source="市場分析") for _ in range(3)])
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/search/", "/search/?q=空間", f"/sessions/{session.session_id}/", "/nowhere", "/?tag=無い"):
        page.goto(site.address + path)
        page.locator(".menu summary").click()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_han_characters_are_drawn_as_in_japan(page: Page, site: Site) -> None:
    """直 differs between Chinese and Japanese fonts: the language of the page decides."""
    page.goto(f"{site.address}/")
    client = page.context.new_cdp_session(page)
    page.evaluate("document.querySelector('h1').textContent = '直骨'")
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    node = client.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert fonts
    assert all("SC" not in font["familyName"].split() and "TC" not in font["familyName"].split() for font in fonts), fonts
