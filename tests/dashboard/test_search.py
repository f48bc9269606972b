"""The search page: what it shows, and what it says when it shows nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import AsyncClient

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session, SessionStatus
from chatlog.domain.query import MAX_QUERY_CHARACTERS
from chatlog.storage.base import SessionStore
from dashboard.stores import use_store
from tests.dashboard.doubles import AwayStore
from tests.factories import make_draft, make_session


async def fill(store: SessionStore, *remarks: str, **values: Any) -> Session:
    session = await store.create_session(make_session(**{"task": "Elsewhere"} | values))
    await store.append_messages(session.session_id, [make_draft(content=remark) for remark in remarks])
    return session


async def look(browser: AsyncClient, text: str | None = None, **query: str) -> str:
    response = await browser.get("/search/", query if text is None else {"q": text, **query})
    assert response.status_code == 200
    return response.content.decode()


def links(html: str) -> list[str]:
    """Where the hits lead."""
    return [unescape(link) for link in re.findall(r'<a class="hit [^"]*" href="([^"]+)"', html)]


def marked(html: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<mark>(.*?)</mark>", html)]


def statement(html: str) -> str:
    """What the page says about the search, without its tags."""
    found = re.search(r'<(p|div)[^>]*role="status"[^>]*>(.*?)</\1>', html, re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", found[2]).split())) if found else ""


def chips(html: str) -> dict[str, str]:
    """What each chip says, and the query without it."""
    found = {}
    for href, text in re.findall(r'<a class="chip" href="([^"]+)">(.*?)</a>', html):
        found["".join(re.search(r"(\w+:)<bdi>(.*?)</bdi>", unescape(text)).groups())] = parse_qs(
            urlsplit(unescape(href)).query
        ).get("q", [""])[0]
    return found


# -- hits ---------------------------------------------------------------------------------------------------------------


async def test_hits_stand_by_session_and_lead_to_the_remark(browser: AsyncClient, store: SessionStore) -> None:
    old = await fill(store, "a price", "else", "the Price", title="Old talk", created_at=utc_now() - timedelta(days=2))
    new = await fill(store, "prices", title="New talk")
    html = await look(browser, "price")
    assert links(html) == [
        f"/sessions/{new.session_id}/?at=1&find=price#message-1",
        f"/sessions/{old.session_id}/?at=1&find=price#message-1",
        f"/sessions/{old.session_id}/?at=3&find=price#message-3",
    ]
    assert marked(html) == ["price", "price", "Price"]
    assert statement(html) == "3 hits in 2 sessions"
    assert html.index("New talk") < html.index("Old talk")
    assert "<title>price · Search · chatlog</title>" in html


async def test_a_hit_names_its_speaker_and_a_title_nobody(browser: AsyncClient, store: SessionStore) -> None:
    session = await store.create_session(make_session(title="Names", task="A name", participants=["market_analyst"]))
    await store.append_messages(session.session_id, [make_draft(source="market_analyst", content="a name")])
    html = await look(browser, "name")
    assert links(html) == [f"/sessions/{session.session_id}/", f"/sessions/{session.session_id}/?at=1&find=name#message-1"]
    assert "Title and task" in html
    assert re.search(r'class="hit speaker-\d+".*?>MA<.*?<bdi>market_analyst</bdi>', html, re.DOTALL)
    assert statement(html) == "2 hits in 1 session"


async def test_the_first_hit_has_the_focus_and_else_the_box(browser: AsyncClient, store: SessionStore) -> None:
    await fill(store, "price", "price")
    assert re.findall(r"<(\w+)[^>]* autofocus", await look(browser, "price")) == ["a"]
    for text in ("", "nowhere", "price status:wat", "tag:x"):
        assert re.findall(r"<(\w+)[^>]* autofocus", await look(browser, text)) == ["input"]


@pytest.mark.parametrize(
    ("text", "remark", "mark"),
    [
        ("間", "リモートワークの空間を共有する", "間"),
        ("空間", "リモートワークの空間を共有する", "空間"),
        ("ガイド", "ｶﾞｲﾄﾞを読む", "ｶﾞｲﾄﾞ"),
        ("ｶﾞｲﾄﾞ", "ガイドを読む", "ガイド"),
        ("ai", "これはＡＩです", "ＡＩ"),
        ("ＡＩ", "an AI agent", "AI"),
        ("が", "か\u3099", "か\u3099"),
        ("cafe", "The CAFE\u0301", "CAFE\u0301"),
        ('"two words"', "these two\nwords", "two words"),
        ("“two words”", "these two words", "two words"),
        ("🎉", "done 🎉", "🎉"),
        ("x", "an x", "x"),
    ],
)
async def test_it_is_found_in_whatever_way_it_is_written(
    text: str, remark: str, mark: str, browser: AsyncClient, store: SessionStore
) -> None:
    session = await fill(store, "ほかのこと", remark)
    html = await look(browser, text)
    assert [urlsplit(link).fragment for link in links(html)] == ["message-2"]
    assert session.session_id in html
    assert marked(html) == [mark]


async def test_a_huge_remark_is_shown_by_the_place_that_matched(browser: AsyncClient, store: SessionStore) -> None:
    await fill(store, f"{'会議は続く。' * 20_000}zebra{'会議は続く。' * 20_000}")
    html = await look(browser, "zebra")
    assert marked(html) == ["zebra"]
    assert len(html) < 20_000


# -- pages --------------------------------------------------------------------------------------------------------------


async def test_more_hits_than_a_page_follow_without_a_gap_or_a_double(browser: AsyncClient, store: SessionStore) -> None:
    for number in range(4):
        await fill(store, *["word"] * 30, created_at=utc_now() - timedelta(hours=number))
    html, seen, said = await look(browser, "word"), list[str](), list[str]()
    while True:
        seen += links(html)
        said.append(statement(html))
        older = re.search(r'href="([^"]+)" rel="next"', html)
        if older is None:
            break
        response = await browser.get(unescape(older[1]))
        html = response.content.decode()
        assert 'href="/search/?q=word">Newest' in html
    assert len(seen) == len(set(seen)) == 120
    assert said == [
        "The first 50 hits, newest sessions first; older ones follow.",
        "The next 50 hits, in 3 sessions; older ones follow.",
        "The last 20 hits, in 1 session.",
    ]


@pytest.mark.parametrize("cursor", ["", "x", "%00", "W10", "ｘ", "a" * 5000, "eyJ4IjoxfQ"])
async def test_a_cursor_that_no_search_gave_out_is_a_page_that_helps(
    cursor: str, browser: AsyncClient, store: SessionStore
) -> None:
    await fill(store, "word")
    response = await browser.get("/search/", {"q": "word", "cursor": cursor})
    assert response.status_code == 400
    assert "Start from the first page" in response.content.decode()


async def test_a_store_that_is_away_is_a_page_that_says_so(browser: AsyncClient) -> None:
    with use_store(AwayStore()):
        response = await browser.get("/search/", {"q": "word"})
        assert (await browser.get("/search/", {"q": "word status:wat"})).status_code == 200
    assert response.status_code == 503
    assert "The disk is asleep" in response.content.decode()


# -- filters ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def history(store: SessionStore) -> dict[str, Session]:
    """Two sessions of two days, said by two, one failed."""
    made = {}
    for name, day, source, status in (("early", 10, "ann", SessionStatus.FAILED), ("late", 20, "bob", SessionStatus.COMPLETED)):
        start = datetime(2026, 11, day, 12, tzinfo=UTC)
        session = make_session(task="Elsewhere", title=name, created_at=start, tags=[name, "two words"])
        await store.create_session(session)
        await store.append_messages(session.session_id, [make_draft(source=source, content="word", timestamp=start)])
        made[name] = await store.update_session(session.session_id, status=status)
    return made


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("word", ["late", "early"]),
        ("agent:ann word", ["early"]),
        ("word agent:ann agent:bob", ["late", "early"]),
        ("word status:failed", ["early"]),
        ("word status:FAILED status:completed", ["late", "early"]),
        ("word tag:late", ["late"]),
        ('word tag:"two words"', ["late", "early"]),
        ("word tag:late tag:early", []),
        ("word after:2026-11-20", ["late"]),
        ("word before:2026-11-20", ["early"]),
        ("word after:2026/11/10 before:2026/11/11", ["early"]),
        ("word agent：ann", ["early"]),
    ],
)
async def test_each_filter_narrows_and_stands_as_a_chip(
    text: str, names: list[str], browser: AsyncClient, history: dict[str, Session]
) -> None:
    html = await look(browser, text)
    assert [link.split("/")[2] for link in links(html)] == [history[name].session_id for name in names]
    typed = re.findall(r'\w+[:：](?:"[^"]*"|\S+)', text)
    assert len(chips(html)) == len(typed)


async def test_a_chip_can_be_taken_off(browser: AsyncClient, history: dict[str, Session]) -> None:
    html = await look(browser, 'word agent:ann tag:"two words"')
    assert chips(html) == {"agent:ann": 'word tag:"two words"', "tag:two words": "word agent:ann"}
    assert chips(await look(browser, "agent:ann")) == {"agent:ann": ""}


async def test_days_are_the_viewers_own(browser: AsyncClient, store: SessionStore, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    session = await store.create_session(make_session(task="Elsewhere"))
    evening = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)  # half past midnight in Tokyo
    await store.append_messages(session.session_id, [make_draft(content="word", timestamp=evening)])
    html = await look(browser, "word after:2026-11-20 before:2026-11-21")
    assert len(links(html)) == 1
    assert "2026-11-20 00:30" in html
    assert links(await look(browser, "word before:2026-11-20")) == []


async def test_filters_alone_lead_to_the_list_under_the_same(browser: AsyncClient, history: dict[str, Session]) -> None:
    text = 'agent:ann agent:評論家 status:failed tag:"two words" after:2026-11-01 before:2026/11/12'
    html = await look(browser, text)
    assert "Add a word" in statement(html)
    href = unescape(re.search(r'class="button" href="(/\?[^"]+)"', html)[1])
    assert parse_qs(urlsplit(href).query) == {
        "agent": ["ann", "評論家"],
        "status": ["failed"],
        "tag": ["two words"],
        "from": ["2026-11-01"],
        "to": ["2026-11-11"],
    }
    assert links(html) == []


async def test_the_list_reads_those_filters_alike(browser: AsyncClient, history: dict[str, Session]) -> None:
    for text, name in (("agent:ann after:2026-11-10 before:2026-11-11", "early"), ("status:completed tag:late", "late")):
        href = unescape(re.search(r'class="button" href="(/\?[^"]+)"', await look(browser, text))[1])
        html = (await browser.get(href)).content.decode()
        assert re.findall(r'data-session="([^"]+)"', html) == [history[name].session_id]


# -- sentences ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x status:wat", "“status:wat” names no status. There are status:running, status:stalled,"),
        ("x after:yesterday", "“after:yesterday” names no day. Write year, month and day, as in after:2026-11-23."),
        ("x before:2026-02-30", "“before:2026-02-30” names no day."),
        ("x agent:", "“agent:” has nothing after its colon."),
        ("x after:2026-11-02 before:2026-11-01", "“after:2026-11-02 before:2026-11-01” leaves no time between."),
        ("空" * 10_000, "That is longer than 1,000 characters. Search for a few words of it."),
        (" ".join(map(str, range(21))), "These are 21 words, and at most 20 are searched for. Leave some out."),
        ("x status:<b>%s{0}", "“status:<b>%s{0}” names no status."),
    ],
)
async def test_what_is_not_understood_is_said(text: str, sentence: str, browser: AsyncClient, store: SessionStore) -> None:
    await fill(store, "x 空")
    html = await look(browser, text)
    assert sentence in statement(html)
    assert links(html) == []
    assert f'value="{text[:9]}' in html


async def test_all_that_is_wrong_is_said_at_once(browser: AsyncClient, store: SessionStore) -> None:
    said = statement(await look(browser, "x status:wat after:never"))
    assert "status:wat" in said
    assert "after:never" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("zebra", "A word is found from its beginning"),
        ("zebra lion", "All 2 words must stand in the same remark."),
        ('"zebra"', "What is in quotes is found only exactly so."),
        ("zebra author:ann", "“author:” is no filter and was searched for as text. Filters are agent:, status:,"),
        ("zebra agent:nobody", "the whole name must be right"),
        ("空港", "No remark, title or task matches."),
    ],
)
async def test_it_says_why_nothing_matched(text: str, sentence: str, browser: AsyncClient, store: SessionStore) -> None:
    await fill(store, "a price")
    assert sentence in statement(await look(browser, text))


async def test_a_search_that_filters_kept_from_matching_can_be_widened(browser: AsyncClient, store: SessionStore) -> None:
    await fill(store, "a price")
    html = await look(browser, "price status:failed tag:x")
    assert chips(html) == {"status:failed": "price tag:x", "tag:x": "price status:failed"}
    wider = re.search(r'class="button" href="([^"]+)">Search without the filters', html)
    assert len(links((await browser.get(unescape(wider[1]))).content.decode())) == 1


@pytest.mark.parametrize("text", [None, "", "  "])
async def test_without_a_query_it_tells_how_to_search(text: str | None, browser: AsyncClient, store: SessionStore) -> None:
    html = await look(browser, text)
    assert '<details class="search-help" open>' in html
    assert "<title>Search · chatlog</title>" in html
    assert links(html) == []


@pytest.mark.parametrize("text", ['""', "“”", '"   "'])
async def test_quotes_around_nothing_ask_for_a_word(text: str, browser: AsyncClient, store: SessionStore) -> None:
    assert statement(await look(browser, text)) == "Add a word to look for."


# -- the frame ----------------------------------------------------------------------------------------------------------


async def test_every_page_has_one_box_and_the_way_to_the_search(browser: AsyncClient, store: SessionStore) -> None:
    for path in ("/", "/search/", "/search/?q=x", "/sessions/nobody/"):
        html = (await browser.get(path)).content.decode()
        assert html.count("data-search-box") == html.count('role="search"') == 1
        assert ('href="/search/" aria-current="page"' in html) is path.startswith("/search/")
    assert "data-search-box" not in (await AsyncClient().get("/login/")).content.decode()


async def test_the_box_takes_one_character_more_than_is_searched_for(browser: AsyncClient, store: SessionStore) -> None:
    assert f'maxlength="{MAX_QUERY_CHARACTERS + 1}"' in await look(browser)
    assert "longer than" in statement(await look(browser, "x" * (MAX_QUERY_CHARACTERS + 1)))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
async def test_it_only_reads(method: str, browser: AsyncClient, store: SessionStore) -> None:
    assert (await getattr(browser, method)("/search/")).status_code == 405
