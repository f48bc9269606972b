"""The usage page as it is answered: figures, charts, tables and files that agree, and lists that hold what bars say."""

from __future__ import annotations

import csv
import io
import random
import re
from datetime import datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from django.test import AsyncClient

from chatlog.domain.clock import midnight, utc_now
from chatlog.domain.models import SessionStatus
from chatlog.storage.base import SessionStore
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.factories import AGENTS, make_draft, make_drafts, make_session
from tests.hostile import PAYLOADS

TOKYO = ZoneInfo("Asia/Tokyo")
BAR = re.compile(
    r'<a (?:class="column" )?href="([^"]*)"(?: tabindex="-1")?><title>([^<]*?)(\d[\d,]*) (remark|session)s?</title>'
)


async def read(browser: AsyncClient, address: str = "/usage/", status: int = 200) -> str:
    response = await browser.get(address)
    assert response.status_code == status
    return response.content.decode()


async def read_csv(browser: AsyncClient, name: str, query: str = "tz=Asia/Tokyo") -> list[list[str]]:
    text = await read(browser, f"/usage/{name}.csv?{query}")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def figure(html: str, key: str) -> str:
    found = re.search(rf'id="figure-{key}".*?class="value">(?:<a [^>]*>)?([^<]*)<', html, re.DOTALL)
    assert found, f"no figure {key}"
    return found[1]


def table_of(html: str, name: str) -> list[list[str]]:
    body = html.split(f'id="usage-{name}-table"')[1].split("</details>", maxsplit=1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body)]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in rows]


def bars_of(html: str, name: str) -> list[tuple[str, str, int]]:
    """Where each bar of a chart leads, what it is called, and how many it says there are."""
    picture = html.split(f'id="usage-{name}"')[1].split("</figure>", maxsplit=1)[0]
    return [
        (unescape(address), unescape(words), int(count.replace(",", ""))) for address, words, count, _ in BAR.findall(picture)
    ]


async def count_listed(browser: AsyncClient, address: str) -> int:
    count = re.search(r'id="count">([\d,]+) session', await read(browser, address))
    assert count
    return int(count[1].replace(",", ""))


async def fill(store: SessionStore, *, days: int = 40, sessions: int = 40, seed: int = 7) -> None:
    """Sessions with remarks, around the midnights of Tokyo above all."""
    rng = random.Random(seed)
    today = utc_now().astimezone(TOKYO).date()
    for _ in range(sessions):
        edge = midnight(today - timedelta(days=rng.randrange(days)), TOKYO)
        begin = min(edge + timedelta(microseconds=rng.choice([-1, 0, 1, rng.randrange(10**10)])), utc_now())
        names = rng.sample(AGENTS, 3)
        session = await store.create_session(make_session(created_at=begin, participants=names))
        drafts = [
            make_draft(source=rng.choice(names), timestamp=begin + timedelta(hours=number), content="字" * rng.randint(1, 9))
            for number in range(rng.randrange(6))
        ]
        await store.append_messages(session.session_id, drafts)
        await store.update_session(session.session_id, status=rng.choice(list(SessionStatus)))


@pytest.fixture
async def full(store: SessionStore) -> SessionStore:
    await fill(store)
    return store


# -- figures ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["tz=Asia/Tokyo", "days=7&tz=UTC", "days=365&tz=America/New_York", "days=3000&tz=Asia/Tokyo"])
async def test_figures_table_and_file_agree(query: str, browser: AsyncClient, full: SessionStore) -> None:
    html = await read(browser, f"/usage/?{query}")
    for name in ("messages", "sessions"):
        head, *rows, total = table_of(html, name)
        file_head, *file_rows = await read_csv(browser, name, query)
        assert total[1] == figure(html, name)
        assert [row[1:] for row in rows] == [row[2:] for row in file_rows]
        assert [str(sum(int(row[place]) for row in rows)) for place in range(1, len(total))] == total[1:]
        assert len(head) == len(file_head) - 1
        hours, file_hours = table_of(html, "hours"), await read_csv(browser, "hours", query)
    assert [row[1:] for row in hours[1:-1]] == [row[1:] for row in file_hours[1:]]
    assert sum(int(count) for count in hours[-1][1:]) == int(figure(html, "messages"))
    agents = await read_csv(browser, "agents", query)
    assert sum(int(row[2]) for row in agents[1:]) == int(figure(html, "messages"))
    assert sum(float(row[4]) for row in agents[1:]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("query", ["tz=Asia/Tokyo", "days=365&tz=America/New_York"])
async def test_behind_each_bar_are_as_many_sessions_as_it_says(query: str, browser: AsyncClient, full: SessionStore) -> None:
    bars = bars_of(await read(browser, f"/usage/?{query}"), "sessions")
    assert len(bars) > 10
    wrong = [(words, count) for address, words, count in bars if await count_listed(browser, address) != count]
    assert wrong == []


async def test_behind_a_bar_of_remarks_are_the_sessions_they_were_made_in(browser: AsyncClient, store: SessionStore) -> None:
    noon = midnight(utc_now().astimezone(TOKYO).date() - timedelta(days=3), TOKYO) + timedelta(hours=12)
    for number in range(3):
        session = await store.create_session(make_session(created_at=noon - timedelta(days=number), participants=["ann"]))
        await store.append_messages(session.session_id, [make_draft(source="ann", timestamp=noon)])
    await store.create_session(make_session(created_at=noon + timedelta(days=1), participants=["ann"]))
    bars = bars_of(await read(browser, "/usage/?tz=Asia/Tokyo"), "messages")
    assert [count for _, _, count in bars] == [3, 3]  # the whole bar, and its only part
    assert [await count_listed(browser, address) for address, _, _ in bars] == [3, 3]


async def test_the_figures_on_top_lead_to_what_they_count(browser: AsyncClient, full: SessionStore) -> None:
    html = await read(browser, "/usage/?tz=Asia/Tokyo")
    for key in ("sessions", "failed", "running"):
        found = re.search(rf'id="figure-{key}".*?<a href="([^"]*)">([^<]*)<', html, re.DOTALL)
        assert found
        assert await count_listed(browser, unescape(found[1])) == int(found[2])
    for address, count in re.findall(r'<th scope="row"><a href="([^"]*)" title=.*?</th>\s*<td>(\d+)</td>', html):
        assert await count_listed(browser, unescape(address)) == int(count)


async def test_a_change_is_told_against_as_many_days_before(browser: AsyncClient, store: SessionStore) -> None:
    for days_ago, count in ((1, 3), (8, 2)):
        begin = utc_now() - timedelta(days=days_ago)
        for _ in range(count):
            await store.create_session(make_session(created_at=begin))
    html = await read(browser, "/usage/?days=7")
    assert "50 % more than in the 7 days before" in html
    assert "n/a: nothing in the 7 days before" in html  # of the remarks
    assert "▲" in html


async def test_days_are_those_of_the_browsers_zone_unless_the_address_names_another(
    browser: AsyncClient, store: SessionStore
) -> None:
    begin = datetime(2026, 3, 1, 20, tzinfo=ZoneInfo("UTC"))  # the 2nd in Tokyo
    await store.create_session(make_session(created_at=begin))
    browser.cookies["timezone"] = "Asia/Tokyo"
    days = "from=2026-03-01&to=2026-03-02"
    assert [row[2] for row in await read_csv(browser, "sessions", days)] == ["all", "0", "1"]
    assert [row[2] for row in await read_csv(browser, "sessions", f"{days}&tz=UTC")] == ["all", "1", "0"]
    html = await read(browser, f"/usage/?{days}")
    assert "1 Mar – 2 Mar 2026 · Asia/Tokyo" in html
    [(address, _, _), *_] = bars_of(html, "sessions")
    assert address == "/?from=2026-03-02&to=2026-03-02&began=1&tz=Asia%2FTokyo"


# -- bad input, and nothing at all ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("tz=Mars", "“Mars” is no time zone. Write it like Asia/Tokyo."),
        ("from=2026-11-30&to=2026-11-01", "From 2026-11-30 to 2026-11-01 runs backwards. Swap the two days."),
        ("from=1999-01-01&to=2026-11-01", "the limit is 3,658"),
        ("days=-3", "“-3” is no number of days from 1 to 3,658. Shown are the last 30 days."),
        ("from=0001-01-01", "0001-01-01 is too far away; choose days from 1990-01-01 to 2199-12-31."),
        ("from=%3Cscript%3E", "“&lt;script&gt;” is no day."),
        ("tz=%00&days=%F0%9F%98%80", "“😀” is no number of days"),
    ],
)
async def test_what_is_not_understood_is_said_and_the_page_is_there(
    query: str, words: str, browser: AsyncClient, full: SessionStore
) -> None:
    html = await read(browser, f"/usage/?{query}")
    assert words in html
    assert len(table_of(html, "sessions")) == 32
    assert words.partition(" Shown")[0] in await read(browser, f"/usage/sessions.csv?{query}", status=400)


async def test_an_empty_store_says_so_and_names_the_next_command(browser: AsyncClient, store: SessionStore) -> None:
    html = await read(browser)
    assert "No discussion has been stored yet" in html
    assert "make demo" in html
    assert "<svg class=" not in html.split("<main", 1)[1]
    assert await read_csv(browser, "agents") == [
        ["agent", "sessions", "messages", "letters", "share", "median_length", "prompt_tokens", "completion_tokens"]
    ]


async def test_days_without_anything_lead_to_those_with_something(browser: AsyncClient, store: SessionStore) -> None:
    begin = datetime(2026, 1, 5, 20, tzinfo=ZoneInfo("UTC"))
    await store.create_session(make_session(created_at=begin))
    html = await read(browser, "/usage/?tz=Asia/Tokyo")
    assert "The newest session began on Tue, 6 Jan 2026." in html
    address = re.search(r'href="(\?to=[^"]*)"', html)
    assert address
    assert figure(await read(browser, f"/usage/{unescape(address[1])}"), "sessions") == "1"


async def test_a_single_remark_makes_a_page(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(participants=["ann"]))
    await store.append_messages(session.session_id, [make_draft(source="ann")])
    html = await read(browser, "/usage/?days=1")
    assert [figure(html, key) for key in ("sessions", "messages", "per-session", "running")] == ["1", "1", "1.0", "1"]
    assert [count for _, _, count in bars_of(html, "messages")] == [1, 1]


async def test_a_store_that_is_away_has_its_page(browser: AsyncClient) -> None:
    with use_store(AwayStore()):  # type: ignore[arg-type]
        for address in ("/usage/", "/usage/figures", "/usage/messages.csv"):
            assert "The disk is asleep." in await read(browser, address, status=503)


async def test_a_file_of_another_name_is_not_there(browser: AsyncClient, store: SessionStore) -> None:
    await read(browser, "/usage/secrets.csv", status=404)


# -- while one watches ---------------------------------------------------------------------------------------------------------


async def test_the_figures_come_anew_only_when_they_have_changed(browser: AsyncClient, full: SessionStore) -> None:
    html = await read(browser, "/usage/?tz=Asia/Tokyo")
    address = re.search(r'data-address="([^"]*)"', html)
    assert address
    first = await browser.get(unescape(address[1]))
    assert first.content.decode() in html
    again = await browser.get(unescape(address[1]), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    session = await full.create_session(make_session())
    await full.append_messages(session.session_id, make_drafts(1))
    after = await browser.get(unescape(address[1]), headers={"If-None-Match": first["ETag"]})
    assert after.status_code == 200
    assert int(figure(after.content.decode(), "messages")) == int(figure(html, "messages")) + 1


# -- hostile names ------------------------------------------------------------------------------------------------------------


ELEMENTS = {
    *("div", "h1", "h2", "p", "a", "span", "bdi", "nav", "details", "summary", "form", "label", "input", "datalist", "button"),
    *(
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "figure",
        "figcaption",
        "section",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
    ),
    *("svg", "g", "rect", "line", "path", "circle", "text", "title", "defs", "pattern", "body", "html", "main"),
}


def elements_of(html: str) -> set[str]:
    """Names of all elements, and of attributes that run something."""
    found: set[str] = set()

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)
            found.update(
                name
                for name, value in attrs
                if name.startswith("on") or (name == "href" and not (value or "").startswith(("/", "?")))
            )

    Collector().feed(f"<main{html}")
    return found


async def test_names_of_agents_stay_text_on_the_page_and_harmless_in_files(browser: AsyncClient, store: SessionStore) -> None:
    names = [*(payload[:255] for payload in PAYLOADS[:60]), "=HYPERLINK(1)", "w" * 255, "\u202egnp", "👩‍👩‍👧 ひと", 'a,b"c']
    session = await store.create_session(make_session(title="<b>bold", participants=names))
    drafts = [make_draft(source=name) for number, name in enumerate(names) for _ in range(1 + number)]
    await store.append_messages(session.session_id, drafts)
    html = await read(browser, "/usage/?tz=Asia/Tokyo")
    main = html.split("<main", 1)[1]
    assert elements_of(main) <= ELEMENTS
    assert "\u202e" not in main
    rows = await read_csv(browser, "agents")
    assert len(rows) == len(set(names)) + 1
    assert "'=HYPERLINK(1)" in {row[0] for row in rows}
    assert [
        cell for row in [*rows, *await read_csv(browser, "messages")] for cell in row if cell.startswith(("=", "+", "@"))
    ] == []


async def test_the_name_of_a_file_tells_the_days(browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get("/usage/hours.csv?from=2026-11-01&to=2026-11-30&tz=UTC")
    assert 'filename="chatlog-hours-2026-11-01-2026-11-30.csv"' in response["Content-Disposition"]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
