"""Pictures of the pages, to be looked at: python -m tests.browser.shots ADDRESS NAME PASSWORD [PATH…]

Each path is taken at 360, 1280 and 1920 px, light and dark, into tests/browser/shots/.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import launch_options

FOLDER = Path(__file__).parent / "shots"
WIDTHS = {360: 780, 1280: 900, 1920: 1080}


def take(browser: Browser, address: str, name: str, password: str, paths: list[str]) -> None:
    for theme in ("light", "dark"):
        for width, height in WIDTHS.items():
            context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": height}, locale="ja-JP")
            page = context.new_page()
            page.on("console", lambda message: print(f"  console: {message.type}: {message.text}"))
            page.on("pageerror", lambda error: print(f"  error: {error}"))
            page.goto(f"{address}/login/")
            page.screenshot(path=FOLDER / f"login-{width}-{theme}.png")
            page.fill("[name=username]", name)
            page.fill("[name=password]", password)
            page.click("button.primary")
            for path in paths:
                page.goto(address + path)
                page.wait_for_timeout(1500)  # what is live has come, what moves has settled
                file = FOLDER / f"{re.sub(r'[^a-z0-9_]+', '-', path.lower()).strip('-') or 'list'}-{width}-{theme}.png"
                page.screenshot(path=file)
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                print(f"{file.name}{f'  OVERFLOWS BY {overflow}px' if overflow > 0 else ''}")
            context.close()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        take(browser, sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3], sys.argv[4:] or ["/"])
        browser.close()
