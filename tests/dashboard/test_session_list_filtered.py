"""The list of sessions under the filters of its address."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from chatlog.domain.models import SessionStatus
from chatlog.storage.base import SessionStore
from dashboard import personal
from tests.dashboard.test_session_list import chips_of, count_of, listed, read
from tests.factories import make_draft, make_session


async def create_varied(store: SessionStore) -> dict[str, str]:
    """Sessions that differ in everything that can be filtered by: their ids by title, the newest first."""
    values = [
        ("failed", ["料金", "nightly"], "critic", SessionStatus.FAILED, "2026-11-23T20:00:00Z"),
        ("completed", ["nightly"], "企画", SessionStatus.COMPLETED, "2026-11-22T20:00:00Z"),
        ("stalled", [], "critic", SessionStatus.ACTIVE, "2026-11-21T20:00:00Z"),
    ]
    found = {}
    for title, tags, source, status, moment in values:
        at = datetime.fromisoformat(moment)
        session = await store.create_session(make_session(title=f"Talk that {title}", tags=tags, created_at=at))
        await store.append_messages(session.session_id, [make_draft(source=source, timestamp=at)])
        await store.update_session(session.session_id, status=status)
        found[title] = session.session_id
    return found


FILTERS = [
    ({"status": "failed"}, ["failed"]),
    ({"status": ["failed", "stalled"]}, ["failed", "stalled"]),
    ({"agent": "critic"}, ["failed", "stalled"]),
    ({"agent": "企画"}, ["completed"]),
    ({"agent": ["critic", "企画"]}, []),
    ({"tag": "nightly"}, ["failed", "completed"]),
    ({"tag": ["nightly", "料金"]}, ["failed"]),
    ({"q": "talk stalled"}, ["stalled"]),
    ({"from": "2026-11-22"}, ["failed", "completed"]),
    ({"to": "2026-11-22"}, ["completed", "stalled"]),
    ({"from": "2026-11-22", "to": "2026-11-22"}, ["completed"]),
    ({"tag": "nightly", "status": "completed", "agent": "企画", "q": "talk"}, ["completed"]),
]


@pytest.mark.parametrize(
    ("filters", "titles"), FILTERS, ids=lambda value: urlencode(value, True) if isinstance(value, dict) else ""
)
async def test_the_address_says_which_sessions_are_listed_and_how_many(
    filters: dict[str, str], titles: list[str], browser: AsyncClient, store: SessionStore
) -> None:
    varied = await create_varied(store)
    html = await read(browser, "/?" + urlencode(filters, doseq=True))
    assert listed(html) == [varied[title] for title in titles]
    assert count_of(html) == f"{len(titles)} session{'s' * (len(titles) != 1)}"


@pytest.mark.parametrize(("zone", "titles"), [("UTC", ["failed"]), ("Asia/Tokyo", ["completed"])])
async def test_a_date_is_a_day_of_the_viewer(zone: str, titles: list[str], browser: AsyncClient, store: SessionStore) -> None:
    varied = await create_varied(store)
    browser.cookies["timezone"] = zone
    html = await read(browser, "/?from=2026-11-23&to=2026-11-23")
    assert listed(html) == [varied[title] for title in titles]


async def test_an_address_can_mean_the_days_of_a_zone_and_the_sessions_that_began_then(
    browser: AsyncClient, store: SessionStore
) -> None:
    varied = await create_varied(store)
    # It goes on until the day on which the next one begins.
    later = make_draft(source="critic", timestamp=datetime.fromisoformat("2026-11-23T03:00Z"))
    await store.append_messages(varied["completed"], [later])
    browser.cookies["timezone"] = "America/Los_Angeles"
    day = "from=2026-11-23&to=2026-11-23"
    assert listed(await read(browser, f"/?{day}&tz=UTC")) == [varied["failed"], varied["completed"]]
    html = await read(browser, f"/?{day}&began=1&tz=UTC")
    assert listed(html) == [varied["failed"]]
    assert listed(await read(browser, f"/?{day}&began=1&tz=Asia/Tokyo")) == [varied["completed"]]
    chips = chips_of(html)
    assert chips["Began in these days"] == f"/?{day}&tz=UTC"
    assert chips["Days of UTC"] == f"/?{day}&began=1"
    assert 'name="began" value="1" checked' in html
    assert 'type="hidden" name="tz" value="UTC"' in html
    assert f'ws-connect="/ws/sessions/?{day.replace("&", "&amp;")}&amp;began=1&amp;tz=UTC"' in html
    assert f'href="/export?{day.replace("&", "&amp;")}&amp;began=1&amp;tz=UTC&amp;' in html


async def test_what_runs_is_listed_on_top_only_if_it_is_asked_for(browser: AsyncClient, store: SessionStore) -> None:
    varied = await create_varied(store)
    running = await store.create_session(make_session(title="Talk that runs"))
    assert listed(await read(browser, "/?q=talk"))[0] == running.session_id
    assert listed(await read(browser, "/?status=running")) == [running.session_id]
    assert listed(await read(browser, "/?status=stalled")) == [varied["stalled"]]
    assert listed(await read(browser, "/?tag=料金")) == [varied["failed"]]


async def test_the_filters_in_force_are_chips_and_each_can_be_taken_off(browser: AsyncClient, store: SessionStore) -> None:
    varied = await create_varied(store)
    html = await read(browser, "/?tag=nightly&status=failed&status=completed&agent=企画")
    agent = quote("企画")
    assert chips_of(html) == {
        "Status failed": f"/?status=completed&agent={agent}&tag=nightly",
        "Status completed": f"/?status=failed&agent={agent}&tag=nightly",
        "Agent 企画": "/?status=failed&status=completed&tag=nightly",
        "Tag nightly": f"/?status=failed&status=completed&agent={agent}",
    }
    assert "Clear all" in html
    assert listed(html) == [varied["completed"]]
    assert listed(await read(browser, chips_of(html)["Agent 企画"])) == [varied["failed"], varied["completed"]]


async def test_without_a_filter_there_is_no_chip(browser: AsyncClient, store: SessionStore) -> None:
    await create_varied(store)
    html = await read(browser, "/?status=&q=")
    assert chips_of(html) == {}
    assert "Clear all" not in html
    assert 'ws-connect="/ws/sessions/"' in html


async def test_the_form_holds_what_is_in_force(browser: AsyncClient, store: SessionStore) -> None:
    html = await read(browser, "/?status=failed&agent=critic&tag=a%26b&from=2026-11-22&to=2026-11-23&q=%22x%22&starred=1")
    assert re.findall(r'name="status" value="(\w+)" checked', html) == ["failed"]
    for name, value in {"agent": "critic", "tag": "a&amp;b"}.items():
        assert f'type="hidden" name="{name}" value="{value}"' in html
    for name, value in {"from": "2026-11-22", "to": "2026-11-23", "q": "&quot;x&quot;"}.items():
        assert f'name="{name}" value="{value}"' in html
    assert 'name="starred" value="1" checked' in html
    assert '<details id="filters" open>' in html


async def test_names_and_tags_of_the_list_are_offered(browser: AsyncClient, store: SessionStore) -> None:
    await create_varied(store)
    html = await read(browser, "/")
    for name, offered in {"known-agents": ["critic", "企画"], "known-tags": ["nightly", "料金"]}.items():
        found = re.search(rf'<datalist id="{name}">(.*?)</datalist>', html)
        assert re.findall(r'<option value="([^"]*)">', found[1]) == offered


async def test_the_live_list_the_deeds_and_the_export_keep_the_filter(browser: AsyncClient, store: SessionStore) -> None:
    await create_varied(store)
    html = await read(browser, "/?tag=nightly&agent=critic")
    query = "agent=critic&amp;tag=nightly"
    assert f'ws-connect="/ws/sessions/?{query}"' in html
    assert f'name="back" value="{query}"' in html
    assert f'href="/export?{query}&amp;' in html


async def test_an_empty_filtered_list_says_so_and_offers_to_take_filters_off(browser: AsyncClient, store: SessionStore) -> None:
    await create_varied(store)
    html = await read(browser, "/?status=cancelled&tag=nightly")
    assert listed(html) == []
    assert "No session has all of this" in html
    assert "make demo" not in html
    assert '<a class="button" href="/">Show all sessions</a>' in html
    assert chips_of(html) == {"Status cancelled": "/?tag=nightly", "Tag nightly": "/?status=cancelled"}
    assert count_of(html) == "0 sessions"
    assert "/export?" not in html


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=lost", "“lost” is no status. There are: running, stalled, completed, failed, cancelled."),
        ("from=x", "“x” is no day. Write it like 2026-11-23."),
        ("from=2026-11-24&to=2026-11-23", "From 2026-11-24 to 2026-11-23 runs backwards. Swap the two days."),
        ("tz=Mars/Phobos", "“Mars/Phobos” is no time zone. Write it like Asia/Tokyo."),
        ("began=2", "began=2 is not understood; use began=1."),
        ("starred=2", "starred=2 is not understood; use starred=1."),
        ("status=%3Cb%3E", "“&lt;b&gt;” is no status."),
    ],
)
async def test_what_is_not_understood_is_said_in_words_and_the_rest_is_shown(
    query: str, problem: str, browser: AsyncClient, store: SessionStore
) -> None:
    varied = await create_varied(store)
    html = await read(browser, f"/?{query}&tag=nightly")
    assert f'<p class="problem" role="alert">{problem}' in html
    assert listed(html) == [varied["failed"], varied["completed"]]
    assert "ws-connect" not in html  # nobody would know what to follow
    assert "/export?" not in html
    assert "Tag nightly" in chips_of(html)


@pytest.mark.parametrize("name", ["status", "agent", "tag", "from", "to", "began", "tz", "q", "starred", "cursor", "deleted"])
@pytest.mark.parametrize("value", ["長" * 3400, "\x00", "\u202e", "' OR 1=1 --", "../..", '"><script>alert(1)</script>'])
async def test_whatever_stands_in_the_address_it_is_a_page(
    name: str, value: str, browser: AsyncClient, store: SessionStore
) -> None:
    response = await browser.get("/", {name: value})
    assert response.status_code in {200, 400}
    assert "<script>alert" not in response.content.decode()


async def test_more_parameters_than_any_form_has_are_a_page_too(browser: AsyncClient, store: SessionStore) -> None:
    assert (await browser.get("/?" + "tag=x&" * 1001)).status_code == 400


async def test_sessions_that_are_deleted_are_not_listed_nor_counted(browser: AsyncClient, store: SessionStore) -> None:
    varied = await create_varied(store)
    await store.delete_session(varied["failed"])
    html = await read(browser, "/?tag=nightly")
    assert listed(html) == [varied["completed"]]
    assert count_of(html) == "1 session"


async def test_a_starred_session_must_match_the_filter_too(browser: AsyncClient, user: User, store: SessionStore) -> None:
    varied = await create_varied(store)
    for session_id in varied.values():
        await personal.set_star(user, session_id, is_starred=True)
    await store.delete_session(varied["completed"])
    html = await read(browser, "/?starred=1&agent=critic&status=failed")
    assert listed(html) == [varied["failed"]]
    assert listed(await read(browser, "/?starred=1&tag=nightly")) == [varied["failed"]]
