"""Hostile text in what is searched and in what is searched for: it stays text, and every query gets an answer."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, AsyncRequestFactory

from chatlog.domain.hidden import show_hidden
from chatlog.domain.text import replace_unstorable
from chatlog.storage.base import SessionStore
from dashboard.views.search import search
from tests.factories import make_draft, make_session
from tests.hostile import PAYLOADS

TAGS = {
    *("html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "section", "div", "form"),
    *("input", "button", "details", "summary", "dl", "dt", "dd", "ul", "ol", "li", "p", "h1", "h2", "a", "b", "bdi", "em"),
    *("span", "time", "mark", "code", "kbd", "svg", "circle", "path", "select", "option", "label"),
}


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}


def assert_harmless(html: str) -> None:
    page = Reader(html)
    assert page.tags <= TAGS
    assert [name for name in page.attributes if name.startswith(("on", "hx-", "style", "srcdoc", "ws-"))] == []
    assert [address for address in page.addresses if not re.match(r"/(?!/)|[#?]", address)] == []


def snippets(html: str) -> list[str]:
    """As they are read: a bracket that is none of our tags would end one early."""
    found = re.findall(r'<span class="snippet"[^>]*>(.*?)</span>', html, re.DOTALL)
    return [unescape(re.sub("</?mark>", "", text)) for text in found]


async def test_hostile_remarks_and_titles_are_shown_as_text(browser: AsyncClient, store: SessionStore) -> None:
    payloads = [payload for text in PAYLOADS if (payload := replace_unstorable(text)).strip()]
    for title, chunk in zip(payloads, range(0, len(payloads), 40), strict=False):
        session = await store.create_session(make_session(title=title[:400], task=f"needle {title}"))
        drafts = [make_draft(content=f"needle {payload}", source=payload[:200]) for payload in payloads[chunk : chunk + 40]]
        await store.append_messages(session.session_id, drafts)
    path, hits = "/search/?q=needle", 0
    while path:
        html = (await browser.get(path)).content.decode()
        assert_harmless(html)
        hits += len(snippets(html))
        older = re.search(r'href="([^"]+)" rel="next"', html)
        path = older[1].replace("&amp;", "&") if older else ""
    assert hits == len(payloads) + -(-len(payloads) // 40)


async def test_a_hostile_remark_is_shown_letter_by_letter(browser: AsyncClient, store: SessionStore) -> None:
    payload = "<img src=x onerror=alert(1)> & \u202ereversed\u202c \"quoted\" 'too'"
    session = await store.create_session(make_session(task="Elsewhere"))
    await store.append_messages(session.session_id, [make_draft(content=f"needle {payload}")])
    html = (await browser.get("/search/", {"q": "needle"})).content.decode()
    assert_harmless(html)
    assert snippets(html) == [f"needle {show_hidden(payload)}"]


@pytest.mark.parametrize("part", range(5))
async def test_a_hostile_query_is_shown_as_text(part: int, browser: AsyncClient, store: SessionStore) -> None:
    await store.create_session(make_session(task="x"))
    for payload in PAYLOADS[part::25]:
        for text in (payload, f'x agent:"{payload}"', f"x status:{payload}", f'tag:"{payload}"'):
            response = await browser.get("/search/", {"q": text})
            assert response.status_code == 200
            assert_harmless(response.content.decode())


# -- five thousand queries ----------------------------------------------------------------------------------------------

PIECES = (
    *("'", '"', "''", '""', "`", "\\", ";", "--", "/*", "*/", "#", "%", "_", "*", "(", ")", "((", "))", "[", "]", "{", "}"),
    *("NEAR(a b, 2)", "NEAR", "AND", "OR", "NOT", "a*", "^a", "{a b}: c", "a:b", "content:x", "- x", "+x", "a NOT b", "NULL"),
    *("' OR '1'='1", "'; DROP TABLE messages; --", '" OR ""="', "1 UNION SELECT sql FROM sqlite_master", "?1", ":q", "@q"),
    *("' OR IS_DEFINED(c.id) --", "CONTAINS(c.search_text, '')", "SELECT * FROM c", "%27%20OR%201=1", "{{ 7*7 }}", "{% x %}"),
    *("\x00", "\x01", "\x1b[31m", "\x7f", "\x85", "\ufeff", "\u202e", "\u2028", "\ufffd", "\ufffe", "\U0010ffff", "\ud800"),
    *("agent:", "agent:'", 'agent:"', "status:", "status:failed", "status:'", "tag:%", 'tag:"a', "after:", "after:9999-12-31"),
    *("before:0001-01-01", "after:2026-11-01", "before:２０２６-11-20", "after:2026-W01-1", "agent：空", "::", ":", "a:", "$q"),
    *("空", "空間", "が", "か\u3099", "\u3099", "ｶﾞ", "ﾞ", "ﷺ", "ﬁ", "ß", "İ", "각", "\u1100\u1161", "ก\u0e34", "🎉", "❤\ufe0f"),
    *(
        " ",
        "  ",
        "\n",
        "\t",
        "\u3000",
        "word",
        "a",
        "0",
        "-1",
        "1e309",
        "true",
        "../../etc/passwd",
        "http://a.example/?q=1&b=2",
    ),
    *("x" * 300, "空" * 300, "a " * 30, '"' * 99, "(" * 200, "\u0301" * 100, "👩\u200d👧"),
)


def hostile_queries(count: int) -> Iterator[str]:
    """Each piece by itself, whole payloads, then pieces put together, some of them very long."""
    dice = random.Random(20261123)
    yield from PIECES
    yield from PAYLOADS
    for _ in range(count - len(PIECES) - len(PAYLOADS)):
        glue = dice.choice(["", " ", '"', " word "])
        text = glue.join(dice.choice(PIECES) for _ in range(dice.randint(2, 6)))
        yield text * dice.choice([1] * 20 + [200])


def kind_of_answer(html: str) -> str:
    if 'class="hit ' in html:
        return "hits"
    if re.search(r'<div[^>]* role="status">\s*<p[^>]*>[^<]{20,}', html):
        return "sentence"
    assert 'class="search-help" open' in html
    return "how to search"


async def test_five_thousand_injections_all_get_an_answer(browser: AsyncClient, user: User, store: SessionStore) -> None:
    remarks = [*(f"{piece} x" for piece in PIECES), " ".join(PIECES)]
    session = await store.create_session(make_session(task="A word about 空間", tags=["a"], participants=["空"]))
    await store.append_messages(session.session_id, [make_draft(content=replace_unstorable(text)) for text in remarks])
    answers = Counter[str]()
    for number, text in enumerate(hostile_queries(5_000)):
        query = {"q": text.encode("utf-8", "surrogatepass")}
        if number % 10:  # straight to the view: what stands before it is the same for every query
            request = AsyncRequestFactory().get("/search/", query)
            request.user = user
            response = await search(request)
        else:
            response = await browser.get("/search/", query)
        assert response.status_code == 200, text
        answers[kind_of_answer(response.content.decode())] += 1
    assert min(answers["hits"], answers["sentence"]) > 500, answers
    assert answers["how to search"] < 50, answers
    assert await store.get_last_sequence(session.session_id) == len(remarks)
