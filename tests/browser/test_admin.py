"""The administration in a real browser: everything in it works under the site's policy, which nothing of it tries to break."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, log_in, make_site

BOSS = """
from django.contrib.auth.models import User
User.objects.filter(username="ann").update(is_staff=True, is_superuser=True)
"""
ADDRESSES = (
    "/admin/",
    "/admin/dashboard/",
    "/admin/dashboard/apitoken/?q=x&valid=1",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/group/add/",
    "/admin/password_change/",
    "/docs/api/",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("admin"))
    process = site.run("manage.py", "shell", "--verbosity", "0", "--command", BOSS)
    assert process.communicate(timeout=60) == ("", None)
    site.start()
    yield site
    site.end()
    site.wire.close()


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """What the browser has to say against a page, such as that its policy forbids something."""
    found: list[str] = []
    context.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    context.on("weberror", lambda error: found.append(str(error.error)))
    return found


@pytest.fixture
def boss(complaints: list[str], context: BrowserContext, site: Site) -> Page:
    return log_in(context, site)


def test_a_token_is_made_copied_used_and_revoked(boss: Page, site: Site, complaints: list[str]) -> None:
    boss.click(".menu summary")
    boss.get_by_role("link", name="Administration").click()
    boss.get_by_role("link", name="API tokens").click()
    boss.get_by_role("link", name="Add API token").click()
    boss.fill("[name=name]", "agents on host 7")
    boss.get_by_role("button", name="Save").click()
    token = boss.locator(".token-made code").inner_text()
    assert re.fullmatch(r"chatlog_[\w-]{43}", token)
    assert token not in boss.url
    for load_again in (boss.reload, lambda: boss.goto(boss.url)):
        load_again()
        expect(boss.get_by_role("status")).to_contain_text("was shown once")
        assert token not in boss.content()
    sessions = f"{site.address}/api/v1/sessions"
    assert boss.request.get(sessions, headers={"Authorization": f"Bearer {token}"}).status == 200
    boss.get_by_role("link", name="To the tokens").click()
    expect(boss.locator("#result_list")).to_contain_text("agents on host 7")
    boss.get_by_role("link", name="agents on host 7").click()
    expect(boss.locator(".field-state")).to_contain_text("valid")
    boss.go_back()
    boss.check(".action-select")
    boss.select_option("[name=action]", "revoke")
    boss.get_by_role("button", name="Go").click()
    expect(boss.locator(".messagelist")).to_contain_text("1 token is revoked")
    boss.wait_for_timeout(5_000)  # the promise
    assert boss.request.get(sessions, headers={"Authorization": f"Bearer {token}"}).status == 401
    assert complaints == []


def test_no_page_of_it_breaks_the_policy_or_the_theme(boss: Page, site: Site, complaints: list[str]) -> None:
    for address in ADDRESSES:
        boss.goto(site.address + address)
        expect(boss.locator("html")).to_have_attribute("data-theme", "light")
        assert boss.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    boss.goto(f"{site.address}/admin/")
    boss.click("#theme")
    boss.click("#theme")
    expect(boss.locator("html")).to_have_attribute("data-theme", "dark")
    boss.goto(site.address)
    expect(boss.locator("html")).to_have_attribute("data-theme", "dark")
    expect(boss.locator("#theme")).to_have_text("●")
    assert complaints == []


def test_a_person_is_changed_with_all_the_widgets(boss: Page, site: Site, complaints: list[str]) -> None:
    boss.goto(f"{site.address}/admin/auth/user/")
    boss.get_by_role("link", name="ann").first.click()
    with boss.expect_popup() as opened:
        boss.click("#add_id_groups")
    opened.value.fill("[name=name]", "critics")
    with opened.value.expect_event("close"):
        opened.value.click("[name=_save]")
    expect(boss.locator("#id_groups_to")).to_contain_text("critics")
    boss.locator("#calendarlink1").click()
    boss.locator("#calendarin1 td a").first.click()
    boss.click("[name=_save]")
    expect(boss.locator(".messagelist")).to_contain_text("was changed successfully")
    assert complaints == []


def test_the_api_page_can_be_copied_from_and_read_without_scripts(
    boss: Page, site: Site, context: BrowserContext, complaints: list[str]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    boss.goto(f"{site.address}/docs/api/#get_session")
    call = boss.locator("#get_session")
    expect(call).to_be_in_viewport()
    call.get_by_role("button", name="Copy").click()
    expect(call.get_by_role("button")).to_have_text("Copied")
    copied = boss.evaluate("navigator.clipboard.readText()")
    assert copied == 'curl "$SITE/api/v1/sessions/$SESSION" -H "Authorization: Bearer $CHATLOG_TOKEN"'
    assert complaints == []
    silent = boss.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]  # it has one
    page = log_in(silent, site)
    page.goto(f"{site.address}/docs/api/")
    page.locator(".contents").get_by_role("link", name="Follow a session").click()
    expect(page.locator("#follow_session")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Copy").first).to_be_hidden()
    silent.close()
