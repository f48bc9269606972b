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
SECONDS = 3.0  # long enough for the search index to follow several times
CALLERS = 64
TEXT = (
    "物理的な距離を感じさせない『空間共有型』のツールを提案します。The window stays open all day; it sends a summary of motion "
    "and sound, never video, and anyone can switch it off. 帯域は 3 kbit/s 程度です。"
) * 2
JAPANESE = (
    "物理的な距離を感じさせない『空間共有型』のツールを提案します。一日中ひらいたままの窓は、動きと音の要約だけを送り、"
    "映像は送りません。誰でもいつでも止められます。"
) * 3
ENGLISH = (
    "The window stays open all day; it sends a summary of motion and sound, never video, and anyone can switch it off. " * 4
)


def measure() -> Report:
    raw, alone, english, japanese, early, late = [], [], [], [], [], []
    for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits all of them
        with _folder() as folder:
            raw.append(_raw_rate(folder))
            alone.append(asyncio.run(_rate(folder / "alone.sqlite3", callers=1, text=TEXT)))
            english.append(asyncio.run(_rate(folder / "english.sqlite3", callers=CALLERS, text=ENGLISH)))
            japanese.append(asyncio.run(_rate(folder / "japanese.sqlite3", callers=CALLERS, text=JAPANESE)))
            at_100, at_10_000 = asyncio.run(_by_length(folder / "length.sqlite3"))
            early.append(at_100)
            late.append(at_10_000)
    title = f"Saving (SQLite, index included, medians of {REPEATS}, remarks of about {len(TEXT.encode())} bytes)"
    return Report(
        title,
        [
            _of_raw("one caller, of the raw one-row FULL rate", alone, raw, least=20),
            _of_raw(f"{CALLERS} callers at once, English, of the raw rate", english, raw, least=100),
            _of_raw(f"{CALLERS} callers at once, Japanese, of the raw rate", japanese, raw, least=60),
            Claim(
                "save at message 10,000 / save at message 100",
                median(late) / median(early),
                1.2,
                at_least=False,
                made_from=f"{median(late) * 1e6:.0f} µs against {median(early) * 1e6:.0f} µs",
            ),
        ],
    )


def _of_raw(name: str, rates: list[float], raw: list[float], *, least: float) -> Claim:
    """The ratio of each pair of runs, then the median: a disk changes from minute to minute."""
    ratio = median(rate / base for rate, base in zip(rates, raw, strict=True))
    return Claim(name, 100 * ratio, least, "%", made_from=f"{median(rates):,.0f}/s against {median(raw):,.0f}/s raw")


def _raw_rate(folder: Path) -> float:
    connection = apsw.Connection(str(folder / "raw.sqlite3"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute("CREATE TABLE remark (id INTEGER PRIMARY KEY, name TEXT UNIQUE, content TEXT)")
    start, number = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO remark (name, content) VALUES (?, ?)", (f"remark-{number:09}", TEXT))
        connection.execute("COMMIT")
        number += 1
    return number / (time.perf_counter() - start)


async def _rate(path: Path, *, callers: int, text: str) -> float:
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        recorders = [chatlog.Recorder(store, task="benchmark") for _ in range(callers)]
        for recorder in recorders:
            await recorder.__aenter__()
        start = time.perf_counter()

        async def talk(recorder: chatlog.Recorder) -> int:
            saves = 0
            while time.perf_counter() - start < SECONDS:
                await recorder.save(source="speaker", content=text)
                saves += 1
            return saves

        return sum(await asyncio.gather(*map(talk, recorders))) / (time.perf_counter() - start)


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
