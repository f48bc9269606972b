"""The usage page as the whole site answers it, against its template filled from memory."""

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

from benchmarks.from_memory import catch_values, fill_from_memory
from benchmarks.history import MESSAGES, SESSIONS, store_all
from benchmarks.report import Claim, Report
from chatlog.domain.clock import utc_now
from dashboard.demo.history import list_history

REPEATS = 25
DAYS = 30
# The page, and the figures in it, which are drawn once for everybody who looks at the same ones.
TEMPLATES = ("dashboard/usage.html", "dashboard/partials/usage/report.html")


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        os.environ |= {"CHATLOG_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "dashboard.settings", "COSMOSDB_ENDPOINT": ""}
        os.environ["ALLOWED_HOSTS"] = "testserver"  # as Django's test client calls itself
        until = utc_now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        history = list_history(sessions=SESSIONS, messages=MESSAGES, seed=1, until=until, days=DAYS)
        asyncio.run(store_all(Path(folder) / "chatlog.sqlite3", history))
        django.setup()
        call_command("migrate", verbosity=0)
        times = asyncio.run(_measure())
    title = (
        f"Usage page (SQLite, {SESSIONS:,} sessions, {MESSAGES:,} messages in {DAYS} days up to today, medians of {REPEATS})"
    )
    return Report(title, _claims(times))


def _claims(times: dict[str, float]) -> list[Claim]:
    def ratio(name: str, page: str, base: str) -> Claim:
        made_from = f"{times[page] * 1e3:.1f} ms against {times[base] * 1e3:.1f} ms"
        return Claim(name, times[page] / times[base], 3, at_least=False, made_from=made_from)

    return [
        ratio("usage page of 30 days / its template from memory", "page", "from memory"),
        ratio("its figures for whoever watches / the same", "figures", "from memory"),
    ]


async def _measure() -> dict[str, float]:
    from django.contrib.auth.models import User  # needs the settings, which name the folder of this run

    from dashboard.stores import close_store

    client = AsyncClient()
    await client.aforce_login(await User.objects.acreate_user("bench"))

    def page(address: str) -> Callable[[], Awaitable[None]]:
        async def get() -> None:
            response = await client.get(address)
            assert response.status_code == 200, f"{address} was answered with {response.status_code}"

        return get

    # In two zones that are the same: what was drawn for one page is not drawn again for another look at it.
    looks = zip(TEMPLATES, ("UTC", "Etc/UTC"), strict=True)
    draw = [fill_from_memory(name, await catch_values(client, f"/usage/?tz={zone}", name)) for name, zone in looks]

    async def draw_all() -> None:
        for work in draw:
            await work()

    pages = {"page": page("/usage/"), "figures": page("/usage/figures"), "from memory": draw_all}
    times: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(REPEATS):  # in turn, so that a slow moment of the machine hits all of them
        for name, work in pages.items():
            start = time.perf_counter()
            await work()
            times[name].append(time.perf_counter() - start)
    await close_store()
    return {name: median(found) for name, found in times.items()}
