"""Figures of use on the embedded store, against a scan over the messages; and what keeping them adds to a save."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

import apsw

from benchmarks.history import MESSAGES, SESSIONS, store_all
from benchmarks.report import Claim, Report
from benchmarks.saving import TEXT
from chatlog import MessageDraft
from chatlog.domain.clock import utc_now
from chatlog.domain.models import draft_session
from chatlog.storage.sqlite.connection import open_reader
from chatlog.storage.sqlite.counting import count_day
from chatlog.storage.sqlite.store import SqliteSessionStore
from dashboard.demo.history import list_history

REPEATS = 15
DAYS = 30
FEWER = 10  # the part of the discussions that is compared with and without all of them before it
SAVES = 1_500
CALLERS = 64
ROUNDS = 60
# So long the search index takes to follow; it must not fall into the other's turn.
INDEXING_SECONDS = 0.15
# Everything that a count needs, and nothing else.
SCAN = "SELECT timestamp, source, length(content), models_usage FROM messages"

Figures = dict[str, list[float]]


def measure() -> Report:
    now = utc_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as name:
        folder = Path(name)
        claims = [*asyncio.run(_measure_figures(folder / "whole.sqlite3", until=midnight))]
        claims.append(asyncio.run(_measure_outside(folder, until=midnight)))
        claims += asyncio.run(_measure_saves(folder))
    title = f"Usage (SQLite, {SESSIONS:,} sessions, {MESSAGES:,} messages in {DAYS} days up to today, medians of {REPEATS})"
    return Report(title, claims)


async def _measure_figures(path: Path, *, until: datetime) -> list[Claim]:
    await store_all(path, list_history(sessions=SESSIONS, messages=MESSAGES, seed=1, until=until, days=DAYS))
    begin = until - timedelta(days=DAYS)
    since, end = begin.date(), until.date()
    today = end - timedelta(days=1)
    connection = open_reader(path)
    async with SqliteSessionStore(path) as store:
        await store.ping()
        start = time.perf_counter()
        await store.list_usage(since=since, until=end)
        first = time.perf_counter() - start

        async def read_cold() -> float:
            async with SqliteSessionStore(path) as other:
                await other.ping()
                return await _time(lambda: other.list_usage(since=since, until=end))

        times: Figures = {name: [] for name in ("warm", "cold", "finished", "busiest", "scan", "count")}
        for _ in range(REPEATS):  # in turn, so that a slow moment of the machine hits all of them
            times["scan"].append(_time_here(lambda: connection.execute(SCAN).fetchall()))
            times["count"].append(_time_here(lambda: _count(connection, since, end)))
            times["warm"].append(await _time(lambda: store.list_usage(since=since, until=end)))
            times["cold"].append(await read_cold())
            times["finished"].append(await _time(lambda: store.list_usage(since=since, until=today)))
            times["busiest"].append(await _time(lambda: store.list_busiest(since=begin, until=until)))
    connection.close()
    return [
        _at_most("30-day figures, today's counted / counting all of them", times["warm"], times["count"], 1 / 10),
        _at_most("  the same, by a process that has read none before", times["cold"], times["count"], 1 / 6),
        _at_most("  the first time ever, and keeping them / counting", [first], [median(times["count"])], 1.5),
        _at_most("  of them the finished days / a bare scan of the columns", times["finished"], times["scan"], 1 / 10),
        _at_most("  all of them / a bare scan of the columns", times["warm"], times["scan"], 1 / 5),
        _at_most("busiest sessions of 30 days / a bare scan", times["busiest"], times["scan"], 1 / 10),
    ]


def _count(connection: apsw.Connection, since: date, until: date) -> None:
    for number in range((until - since).days):
        count_day(connection, since + timedelta(days=number))


async def _measure_outside(folder: Path, *, until: datetime) -> Claim:
    """A tenth of the discussions in the window, alone and with all of them in as many days before it."""
    stores = []
    for name in ("alone", "with"):
        path = folder / f"{name}.sqlite3"
        few = {"sessions": SESSIONS // FEWER, "messages": MESSAGES // FEWER}
        await store_all(path, list_history(**few, seed=2, until=until, days=DAYS))
        if name == "with":
            before = until - timedelta(days=DAYS)
            await store_all(path, list_history(sessions=SESSIONS, messages=MESSAGES, seed=1, until=before, days=DAYS * FEWER))
        stores.append(SqliteSessionStore(path))
    alone, surrounded = stores
    since, end = (until - timedelta(days=DAYS)).date(), until.date()
    times: Figures = {"alone": [], "with": []}
    for _ in range(5 * REPEATS):
        for store, name in ((alone, "alone"), (surrounded, "with")):
            times[name].append(await _time(lambda store=store: store.list_usage(since=since, until=end)))  # type: ignore[misc]
    for store in stores:
        await store.aclose()
    return _at_most(f"30-day figures with {FEWER} times the history before / alone", times["with"], times["alone"], 1.2)


async def _measure_saves(folder: Path) -> list[Claim]:
    """Two files of the same tables, one of which lacks what keeping figures needs; saved into in turns."""
    times: dict[str, Figures] = {name: {"kept": [], "not kept": []} for name in ("one", "many")}
    async with SqliteSessionStore(folder / "kept.sqlite3") as kept, SqliteSessionStore(folder / "not.sqlite3") as not_kept:
        stores = {"kept": kept, "not kept": not_kept}
        sessions = {}
        for name, store in stores.items():
            made = [await store.create_session(draft_session(task=f"{number}")) for number in range(CALLERS)]
            sessions[name] = [session.session_id for session in made]
        _take_figures_away(not_kept.path)
        turns = [*stores.items()]
        for _ in range(SAVES):
            turns.reverse()  # whoever comes second finds the disk busier
            for name, store in turns:
                drafts = [_draft()]
                times["one"][name].append(await _time(lambda: store.append_messages(sessions[name][0], drafts)))  # noqa: B023
        for _ in range(ROUNDS):
            turns.reverse()
            for name, store in turns:
                waiting = [store.append_messages(session, [_draft()]) for session in sessions[name] for _ in range(4)]
                times["many"][name].append(await _time(lambda: asyncio.gather(*waiting)))  # noqa: B023
                await asyncio.sleep(INDEXING_SECONDS)
    return [
        _at_most("a save with figures kept / without", times["one"]["kept"], times["one"]["not kept"], 1.1),
        _at_most(f"{4 * CALLERS} saves at once, the same", times["many"]["kept"], times["many"]["not kept"], 1.1),
    ]


def _take_figures_away(path: Path) -> None:
    connection = apsw.Connection(str(path))
    triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'usage_%'").fetchall()
    connection.execute("; ".join(f"DROP TRIGGER {name}" for (name,) in triggers))
    connection.execute("DROP INDEX messages_by_time; DROP TABLE usage_days")
    connection.close()


def _draft() -> MessageDraft:
    return MessageDraft(source="speaker", content=TEXT)


def _at_most(name: str, taken: list[float], base: list[float], most: float) -> Claim:
    """The ratio of each pair of runs, then the median: a machine changes from minute to minute."""
    ratio = median(one / other for one, other in zip(taken, base, strict=True))
    figures = f"{median(taken) * 1e3:.2f} ms against {median(base) * 1e3:.2f} ms"
    return Claim(name, ratio, most, at_least=False, made_from=figures)


async def _time(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def _time_here(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
