"""From "save returned" to the frame at a viewer, and how many viewers a process can serve, against stock and bare Channels."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import chatlog
from benchmarks.live_server import TEXT
from benchmarks.report import Claim, Report, percentile

REPEATS = 3
VIEWERS = 500
PACE = 0.1  # ten messages a second
PACED_MESSAGES = 60
ROUNDS = 200
DRAIN_SECONDS = 3.0


class Helper:
    """A process that is told and tells in lines of JSON."""

    def __init__(self, module: str, *arguments: str, data_dir: Path | None = None) -> None:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "REDIS_URL": "", "COSMOSDB_ENDPOINT": ""}
        if data_dir is not None:
            environment["CHATLOG_DATA_DIR"] = str(data_dir)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


_OF_READERS = ("port", "session_id", "token")


@dataclass(frozen=True, slots=True)
class Audience:
    """What it got, in percent, and how late each was in ms. What never arrived counts as arriving when watching ended."""

    delivered: float
    late: list[float]

    @property
    def p99(self) -> float:
        return percentile(self.late, 99)


@dataclass(slots=True)
class Stage:
    """A server, and viewers who are all connected."""

    server: Helper
    viewers: Helper
    readers: Helper
    session_id: str
    location: str

    def publish(self, count: int, *, every: float = 0.0) -> dict[int, float]:
        self.server.tell(publish=count, every=every)
        return {int(sequence): at for sequence, at in self.server.hear()["returned"].items()}

    def wait_until_all_have(self, sequence: int) -> None:
        self.viewers.tell(wait=sequence)
        self.viewers.hear()

    def arrivals(self) -> dict[int, list[float]]:
        return _report(self.viewers)


def _report(crowd: Helper) -> dict[int, list[float]]:
    crowd.tell(report=True)
    return {int(sequence): times for sequence, times in crowd.hear()["arrivals"].items()}


@contextmanager
def stage(variant: str, viewers: int, *, readers: int = 0) -> Iterator[Stage]:
    """`viewers` are browsers with the page open, `readers` programs with an event stream."""
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        server = Helper("benchmarks.live_server", variant, data_dir=Path(folder))
        crowd = Helper("benchmarks.live_viewers")
        programs = Helper("benchmarks.stream_readers")
        try:
            where = server.hear()
            for helper, names, size in ((crowd, ("port", "path", "cookies"), viewers), (programs, _OF_READERS, readers)):
                if size:
                    helper.tell(connect={name: where[name] for name in names} | {"size": size})
                    helper.hear()
            yield Stage(server, crowd, programs, where["session_id"], f"sqlite:///{folder}/chatlog.sqlite3")
        finally:
            for helper in (crowd, programs, server):
                helper.end()


def measure() -> Report:
    one, other, late, stock_late, rates, bare_rates, delivered = [], [], [], [], [], [], []
    for _ in range(REPEATS):
        one.append(_latency_in_one_process())
        other.append(_latency_from_another_process())
        ours = paced("ours", VIEWERS)[0]
        delivered.append(ours.delivered)
        late.append(ours.p99)
        stock_late.append(paced("stock", VIEWERS)[0].p99)
        rates.append(_deliveries_a_second("ours"))
        bare_rates.append(_deliveries_a_second("bare"))
    return Report(
        f"Live (daphne, medians of {REPEATS}, from save returned to frame at the viewer)",
        [
            Claim("one process, 1 viewer: p99", median(one), 50, " ms", at_least=False),
            Claim("from another process, 1 viewer: p99", median(other), 250, " ms", at_least=False),
            Claim(f"{VIEWERS} viewers, 10 messages a second: delivered", min(delivered), 100, "%"),
            Claim(
                f"{VIEWERS} viewers, 10 messages a second: p99 / stock's",
                median(ours / stock for ours, stock in zip(late, stock_late, strict=True)),
                0.05,
                at_least=False,
                made_from=f"{median(late):.0f} ms against {median(stock_late):.0f} ms",
            ),
            Claim(
                f"{VIEWERS} viewers: deliveries a second, of a bare base_send loop's",
                # Of each pair of runs, one right after the other: a shared machine changes its pace within minutes.
                100 * median(ours / bare for ours, bare in zip(rates, bare_rates, strict=True)),
                80,
                "%",
                made_from=f"{median(rates):,.0f}/s against {median(bare_rates):,.0f}/s",
            ),
        ],
    )


def _latency_in_one_process() -> float:
    with stage("ours", 1) as on:
        returned = on.publish(200, every=0.02)
        on.wait_until_all_have(200)
        return percentile(_latencies(returned, on.arrivals()), 99)


def _latency_from_another_process() -> float:
    async def save(location: str, session_id: str) -> dict[int, float]:
        returned = {}
        async with chatlog.open_store(location) as store, chatlog.Recorder(store, session_id=session_id) as session:
            for _ in range(100):
                await asyncio.sleep(0.03)
                message = await session.save(source="creative_planner", content=TEXT)
                returned[message.sequence] = time.monotonic()
        return returned

    with stage("ours", 1) as on:
        returned = asyncio.run(save(on.location, on.session_id))
        on.wait_until_all_have(100)
        return percentile(_latencies(returned, on.arrivals()), 99)


def paced(variant: str, viewers: int, *, readers: int = 0) -> tuple[Audience, Audience]:
    """The viewers and the readers of messages that are said at an even pace."""
    with stage(variant, viewers, readers=readers) as on:
        returned = on.publish(PACED_MESSAGES, every=PACE)
        time.sleep(DRAIN_SECONDS)
        end = time.monotonic()
        return (
            _audience(returned, on.arrivals(), size=viewers, end=end),
            _audience(returned, _report(on.readers), size=readers, end=end),
        )


def _audience(returned: dict[int, float], arrivals: dict[int, list[float]], *, size: int, end: float) -> Audience:
    latencies = _latencies(returned, arrivals)
    missing = [1000 * (end - at) for sequence, at in returned.items() for _ in range(size - len(arrivals.get(sequence, [])))]
    return Audience(100 * len(latencies) / max(1, size * len(returned)), latencies + missing or [0.0])


def _deliveries_a_second(variant: str) -> float:
    """Each message is published when everybody has the one before."""
    with stage(variant, VIEWERS) as on:
        for warm_up in range(1, 6):
            on.publish(1)
            on.wait_until_all_have(warm_up)
        start = time.monotonic()
        for sequence in range(6, 6 + ROUNDS):
            on.publish(1)
            on.wait_until_all_have(sequence)
        return VIEWERS * ROUNDS / (time.monotonic() - start)


def _latencies(returned: dict[int, float], arrivals: dict[int, list[float]]) -> list[float]:
    """In milliseconds. A frame may be there before the save has returned to its caller."""
    return [1000 * max(0.0, arrived - at) for sequence, at in returned.items() for arrived in arrivals.get(sequence, [])]
