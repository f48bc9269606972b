"""The pages for browsing as the whole site answers them, against the same templates filled from memory."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

import django
from django.core.management import call_command
from django.test import AsyncClient
from django.test.client import AsyncClientHandler

import chatlog
from benchmarks.from_memory import catch_values, fill_from_memory
from benchmarks.history import MESSAGES, SESSIONS, UNTIL, fill
from benchmarks.report import Claim, Report
from chatlog.domain.models import draft_session
from dashboard.demo.history import PastDiscussion

REPEATS = 40
LENGTHS = (20, 50, 5_000)
ROWS_IN_MEMORY = 30


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        os.environ |= {"CHATLOG_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "dashboard.settings", "COSMOSDB_ENDPOINT": ""}
        os.environ["ALLOWED_HOSTS"] = "testserver"  # as Django's test client calls itself
        asyncio.run(fill(Path(folder) / "chatlog.sqlite3", [_make_session(length) for length in LENGTHS]))
        django.setup()
        call_command("migrate", verbosity=0)
        times = asyncio.run(_measure())
    return Report(f"Browsing (SQLite, {SESSIONS:,} sessions, {MESSAGES:,} messages, medians of {REPEATS})", _claims(times))


def _make_session(length: int) -> PastDiscussion:
    begin = UNTIL - timedelta(days=40)
    drafts = [
        chatlog.MessageDraft(
            source=f"agent_{number % 5}",
            content=f"Remark {number}: 空間を共有する。It **stays** open all day. " * 3,
            timestamp=begin + timedelta(seconds=20 * number),
        )
        for number in range(length)
    ]
    return PastDiscussion(draft_session(task=f"{length} remarks", session_id=f"bench_{length}", created_at=begin), drafts)


def _claims(times: dict[str, float]) -> list[Claim]:
    def ratio(name: str, page: str, base: str, most: float) -> Claim:
        made_from = f"{times[page] * 1e3:.1f} ms against {times[base] * 1e3:.1f} ms"
        return Claim(name, times[page] / times[base], most, at_least=False, made_from=made_from)

    return [
        ratio("sessions page / its template with 30 rows from memory", "list", "list from memory", 3),
        ratio("a filtered sessions page / the same", "filtered", "list from memory", 3),
        ratio("a 20-message session / its template from memory", "20", "20 from memory", 3),
        ratio("first window of 5,000 messages / a 50-message session", "5000", "50", 1.5),
        ratio("a window in the middle of 5,000 / a 50-message session", "middle", "50", 1.5),
    ]


async def _measure() -> dict[str, float]:
    from django.contrib.auth.models import User  # needs the settings, which name the folder of this run

    from dashboard.one_thread import OneThread
    from dashboard.stores import close_store

    class SiteHandler(OneThread, AsyncClientHandler):
        """Runs the middleware as the site does."""

    client = AsyncClient()
    client.handler = SiteHandler()
    await client.aforce_login(await User.objects.acreate_user("bench"))

    def page(address: str) -> Callable[[], Awaitable[None]]:
        async def get() -> None:
            response = await client.get(address)
            assert response.status_code == 200, f"{address} was answered with {response.status_code}"

        return get

    pages = {
        "list": page("/"),
        "filtered": page("/?status=completed&agent=critic"),
        **{str(length): page(f"/sessions/bench_{length}/") for length in LENGTHS},
        "middle": page("/sessions/bench_5000/?at=2500"),
        "list from memory": await _from_memory(client, "/", "dashboard/session_list.html"),
        "20 from memory": await _from_memory(client, "/sessions/bench_20/", "dashboard/session_detail.html"),
    }
    times: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(REPEATS):  # in turn, so that a slow moment of the machine hits all of them
        for name, work in pages.items():
            start = time.perf_counter()
            await work()
            times[name].append(time.perf_counter() - start)
    await close_store()
    return {name: median(found) for name, found in times.items()}


async def _from_memory(client: AsyncClient, address: str, template: str) -> Callable[[], Awaitable[None]]:
    values = await catch_values(client, address, template)
    return fill_from_memory(template, {**values, "rows": values["rows"][:ROWS_IN_MEMORY]})
