"""The queue of the client: filled while a real site is away, drained in order when it is back, and what it takes meanwhile."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.report import Claim, Report
from chatlog import MessageDraft, Recorder
from chatlog.client import QueueLimits, RemoteStore

MESSAGES = 10_000
AT_ONCE = 10
REPEATS = 3
TEXT = "物理的な距離を感じさせない『空間共有型』のツールを提案します。**気配**だけを伝え、映像は送りません。" * 4


@dataclass(frozen=True, slots=True)
class Took:
    put_seconds: float
    drain_seconds: float
    megabytes: float
    queue_megabytes: float


def measure() -> Report:
    logging.disable(logging.WARNING)  # a site that is away is what is measured here, and no news
    served: Any = import_module("tests.chatlog.client.served_site")  # the tests' site: a real one, in its own process
    with served.served_site() as site:
        took = [asyncio.run(_fill_and_drain(site)) for _ in range(REPEATS)]
    logging.disable(logging.NOTSET)
    put = MESSAGES / median(one.put_seconds for one in took)
    size = median(one.queue_megabytes for one in took)
    return Report(
        f"The client's queue (a real site, medians of {REPEATS}, {MESSAGES:,} messages)",
        [
            Claim(
                "drained in order, messages a second",
                MESSAGES / median(one.drain_seconds for one in took),
                1_000,
                made_from=f"put in at {put:,.0f} a second, {AT_ONCE} at once, each time on the disk",
            ),
            Claim(
                "memory while they wait",
                median(one.megabytes for one in took),
                20,
                " MB",
                at_least=False,
                made_from=f"{size:.0f} MB wait",
            ),
        ],
    )


async def _fill_and_drain(site: Any) -> Took:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as name:
        folder = Path(name)
        site.kill()
        before = psutil.Process().memory_info().rss
        async with _open(site, folder, closing_seconds=0) as store:
            start = time.perf_counter()
            session_id = await _talk(store)
            put_seconds = time.perf_counter() - start
            megabytes = (psutil.Process().memory_info().rss - before) / 1e6
            queue_megabytes = (await store.get_backlog()).waiting_bytes / 1e6
        await asyncio.to_thread(site.start)
        start = time.perf_counter()
        async with _open(site, folder, closing_seconds=60) as store:
            while (await store.get_backlog()).waiting:  # noqa: ASYNC110  # the queue tells nobody that it is empty
                await asyncio.sleep(0.01)
            drain_seconds = time.perf_counter() - start
            await _check_order(store, session_id)
        return Took(put_seconds, drain_seconds, megabytes, queue_megabytes)


def _open(site: Any, folder: Path, *, closing_seconds: float) -> RemoteStore:
    limits = QueueLimits(closing_seconds=closing_seconds)
    return RemoteStore(site.address, token=site.token, folder=folder, limits=limits)


async def _talk(store: RemoteStore) -> str:
    async with Recorder(store, task="benchmark") as session:
        for first in range(0, MESSAGES, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            await session.save_many([MessageDraft(source="planner", content=f"{number} {TEXT}") for number in numbers])
    return session.session_id


async def _check_order(store: RemoteStore, session_id: str) -> None:
    number = 0
    while page := await store.list_messages(session_id, after=number, limit=1000):
        for message in page:
            assert message.content.split()[0] == str(number)
            number += 1
    assert number == MESSAGES
