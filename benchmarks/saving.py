"""Saving on the embedded store, against the raw rate of one-row FULL transactions on the same disk in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import apsw

import chatlog
from benchmarks.report import Claim, Report
from chatlog.domain.models import draft_session

REPEATS = 5
SAVES = 1_500
CALLERS = 64
TEXT = (
    "物理的な距離を感じさせない『空間共有型』のツールを提案します。The window stays open all day; it sends a summary of motion "
    "and sound, never video, and anyone can switch it off. 帯域は 3 kbit/s 程度です。"
) * 2


def measure() -> Report:
    raw, alone, together, early, late = [], [], [], [], []
    for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits all of them
        with _folder() as folder:
            raw.append(_raw_rate(folder))
            alone.append(asyncio.run(_rate(folder / "alone.sqlite3", callers=1, saves=SAVES)))
            together.append(asyncio.run(_rate(folder / "together.sqlite3", callers=CALLERS, saves=SAVES * 4)))
            at_100, at_10_000 = asyncio.run(_by_length(folder / "length.sqlite3"))
            early.append(at_100)
            late.append(at_10_000)
    title = f"Saving (SQLite, medians of {REPEATS}, remarks of {len(TEXT.encode())} bytes)"
    return Report(
        title,
        [
            _of_raw("one caller, of the raw one-row FULL rate", median(alone), median(raw), least=25),
            _of_raw(f"{CALLERS} callers at once, of the raw rate", median(together), median(raw), least=200),
            Claim(
                "save at message 10,000 / save at message 100",
                median(late) / median(early),
                1.2,
                at_least=False,
                made_from=f"{median(late) * 1e6:.0f} µs against {median(early) * 1e6:.0f} µs",
            ),
        ],
    )


def _of_raw(name: str, rate: float, raw: float, *, least: float) -> Claim:
    return Claim(name, 100 * rate / raw, least, "%", made_from=f"{rate:,.0f}/s against {raw:,.0f}/s raw")


def _raw_rate(folder: Path) -> float:
    connection = apsw.Connection(str(folder / "raw.sqlite3"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute("CREATE TABLE remark (id INTEGER PRIMARY KEY, name TEXT UNIQUE, content TEXT)")
    start = time.perf_counter()
    for number in range(SAVES):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO remark (name, content) VALUES (?, ?)", (f"remark-{number:09}", TEXT))
        connection.execute("COMMIT")
    return SAVES / (time.perf_counter() - start)


async def _rate(path: Path, *, callers: int, saves: int) -> float:
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        recorders = [chatlog.Recorder(store, task="benchmark") for _ in range(callers)]
        for recorder in recorders:
            await recorder.__aenter__()

        async def talk(recorder: chatlog.Recorder) -> None:
            for _ in range(saves // callers):
                await recorder.save(source="speaker", content=TEXT)

        start = time.perf_counter()
        await asyncio.gather(*map(talk, recorders))
        return saves // callers * callers / (time.perf_counter() - start)


async def _by_length(path: Path) -> tuple[float, float]:
    """The median time of a save near message 100 and near message 10,000; the two are saved in turns."""
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        short, long = [await store.create_session(draft_session(task=name)) for name in ("short", "long")]
        await store.append_messages(long.session_id, [_draft() for _ in range(9_800)])
        times: dict[str, list[float]] = {short.session_id: [], long.session_id: []}
        for _ in range(400):
            for session_id, taken in times.items():
                start = time.perf_counter()
                await store.append_messages(session_id, [_draft()])
                taken.append(time.perf_counter() - start)
        return median(times[short.session_id][:200]), median(times[long.session_id])


def _draft() -> chatlog.MessageDraft:
    return chatlog.MessageDraft(source="speaker", content=TEXT)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as name:
        yield Path(name)
