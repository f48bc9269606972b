"""Searching and listing on the embedded store, against a LIKE scan over the same file in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import apsw

import chatlog
from benchmarks.history import MESSAGES, SESSIONS, UNTIL, fill
from benchmarks.report import Claim, Report
from chatlog.domain.filters import SearchQuery
from chatlog.domain.models import draft_session
from chatlog.domain.search import parse_terms
from chatlog.storage.sqlite.connection import open_reader
from dashboard.demo.history import PastDiscussion

REPEATS = 9
PAGES_DEEP = 150
# Said ten times, in one discussion in the middle of all the others.
RARE = "Quokkatel"
# What is searched for, and which part of a scan's time it may take.
QUESTIONS = (("a rare word", RARE, 50), ("two Japanese letters", "空間", 10), ("a frequent word", "the", 5))


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        path = Path(folder) / "history.sqlite3"
        asyncio.run(fill(path, [_make_rare()]))
        _wait_until_indexed(path)
        claims = asyncio.run(_measure(path))
    return Report(f"Searching (SQLite, {SESSIONS:,} sessions, {MESSAGES:,} messages, medians of {REPEATS})", claims)


def _make_rare() -> PastDiscussion:
    begin = UNTIL - timedelta(days=15)
    drafts = [
        chatlog.MessageDraft(source="a", content=f"What about {RARE}? 良い名前です。", timestamp=begin) for _ in range(10)
    ]
    return PastDiscussion(draft_session(task="Find a name.", created_at=begin), drafts)


def _wait_until_indexed(path: Path) -> None:
    """Closing indexes what waits, but not for long; an index that is still behind would be measured as it is."""
    connection = open_reader(path)
    waiting = connection.execute("SELECT count(*) FROM sessions WHERE message_count > indexed").fetchall()
    connection.close()
    if waiting != [(0,)]:
        raise RuntimeError(f"{waiting} sessions are not indexed yet")


async def _measure(path: Path) -> list[Claim]:
    claims = []
    connection = open_reader(path)
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        for name, word, part in QUESTIONS:
            query = SearchQuery(terms=parse_terms(word))
            searched, scanned = [], []
            for _ in range(REPEATS):  # in turns, so that a slow moment of the machine hits both
                searched.append(await _time(partial(store.search, query)))
                scanned.append(_time_scan(connection, word))
            figures = f"{median(searched) * 1e3:.2f} ms against {median(scanned) * 1e3:.1f} ms"
            claims.append(
                Claim(f"LIKE scan / first page for {name}", median(scanned) / median(searched), part, made_from=figures)
            )
        claims.append(await _measure_deep_page(store))
    connection.close()
    return claims


async def _measure_deep_page(store: chatlog.SessionStore) -> Claim:
    cursor = None
    for _ in range(PAGES_DEEP):
        cursor = (await store.list_sessions(cursor=cursor)).next_cursor
    first, deep = [], []
    for _ in range(REPEATS * 5):
        first.append(await _time(store.list_sessions))
        deep.append(await _time(partial(store.list_sessions, cursor=cursor)))
    figures = f"{median(deep) * 1e3:.2f} ms against {median(first) * 1e3:.2f} ms"
    return Claim(f"list page {PAGES_DEEP} / first", median(deep) / median(first), 1.2, at_least=False, made_from=figures)


async def _time(ask: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await ask()
    return time.perf_counter() - start


def _time_scan(connection: apsw.Connection, word: str) -> float:
    start = time.perf_counter()
    connection.execute(
        "SELECT id, source, timestamp, content FROM messages WHERE content LIKE ? ORDER BY timestamp DESC LIMIT 50",
        (f"%{word}%",),
    ).fetchall()
    return time.perf_counter() - start
