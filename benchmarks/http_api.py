"""The HTTP API: what saving costs against an empty view of Django's, and programs that follow a session beside its viewers.

Programs and browsers together are twice as many receivers as the browsers that they are held against, at the same pace; whether
a program costs more than a browser is seen beside as many browsers. The 99th percentile is that of all repeats together: within
one it would be that of its slowest message alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.http_callers import count_answers
from benchmarks.live import Audience, Helper, paced
from benchmarks.report import Claim, Report, percentile
from benchmarks.saving import TEXT

REPEATS = 5
SECONDS = 3.0
CALLERS = 16
LIST = 100
WATCH_REPEATS = 6
WATCHERS = 200


def measure() -> Report:
    return Report(
        f"HTTP API (daphne, SQLite, {CALLERS} callers, medians of {REPEATS}; {WATCH_REPEATS} of watching)",
        [*_measure_saving(), *_measure_following()],
    )


def _measure_saving() -> list[Claim]:
    empty: list[float] = []
    single: list[float] = []
    lists: list[float] = []
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder, servers(Path(folder)) as (site, nothing):
        for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits all of them
            empty.append(rate(nothing, _get(nothing)))
            single.append(rate(site, post(site, messages=1), status=b"201"))
            lists.append(LIST * rate(site, post(site, messages=LIST), status=b"201"))
    return [
        compare("one message a request, durable: of an empty view's rate", single, empty, least=45, unit="%"),
        # Twenty times what is promised of messages one by one, which do better than that: so less is between them and lists.
        compare(f"messages in lists of {LIST}, durable: of an empty view's rate", lists, empty, least=20 * 45, unit="%"),
        compare(f"messages in lists of {LIST}, durable / messages one by one", lists, single, least=20, unit=""),
    ]


def compare(name: str, ours: list[float], base: list[float], *, least: float, unit: str) -> Claim:
    factor = 100 if unit == "%" else 1
    value = median(factor * one / other for one, other in zip(ours, base, strict=True))
    return Claim(name, value, least, unit, made_from=f"{median(ours):,.0f}/s against {median(base):,.0f}/s")


@contextmanager
def servers(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    servers = [Helper("benchmarks.http_api_server", variant, data_dir=folder) for variant in ("ours", "empty")]
    try:
        site, nothing = (server.hear() for server in servers)
        yield site, nothing
    finally:
        for server in servers:
            server.end()


def rate(server: dict[str, Any], next_request: Callable[[], bytes], *, status: bytes = b"200") -> float:
    return asyncio.run(
        count_answers(server["port"], next_request=next_request, callers=CALLERS, seconds=SECONDS, status=status)
    )


def _get(server: dict[str, Any]) -> Callable[[], bytes]:
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server['port']}\r\n\r\n".encode()
    return lambda: request


_numbers = itertools.count()


def post(server: dict[str, Any], *, messages: int) -> Callable[[], bytes]:
    head = (
        f"POST /api/v1/sessions/{server['session_id']}/messages HTTP/1.1\r\nHost: 127.0.0.1:{server['port']}\r\n"
        f"Authorization: Bearer {server['token']}\r\nContent-Type: application/json\r\n"
    )
    one = json.dumps({"source": "market_analyst", "content": TEXT, "message_id": "%d"}, ensure_ascii=False)
    body = one if messages == 1 else f"[{', '.join([one] * messages)}]"
    template = body.encode().replace(b"%", b"%%").replace(b"%%d", b"%d")

    def next_request() -> bytes:
        filled = template % tuple(itertools.islice(_numbers, messages))
        return f"{head}Content-Length: {len(filled)}\r\n\r\n".encode() + filled

    return next_request


def _measure_following() -> list[Claim]:
    """Browsers alone, beside as many programs, and beside as many browsers more."""
    alone: list[Audience] = []
    browsers: list[Audience] = []
    programs: list[Audience] = []
    crowds: list[Audience] = []
    for _ in range(WATCH_REPEATS):
        alone.append(paced("ours", WATCHERS)[0])
        beside, reading = paced("ours", WATCHERS, readers=WATCHERS)
        browsers.append(beside)
        programs.append(reading)
        crowds.append(paced("ours", 2 * WATCHERS)[0])
    delivered = min(one.delivered for one in (*browsers, *programs))
    return [
        Claim(f"{WATCHERS} programs beside {WATCHERS} browsers: delivered to both", delivered, 100, "%"),
        _compare_p99("the programs' p99 / that of the browsers alone", programs, alone),
        _compare_p99("the browsers' p99 / without the programs", browsers, alone),
        _compare_p99(f"the programs' p99 / that of {2 * WATCHERS} browsers alone", programs, crowds),
    ]


def _compare_p99(name: str, ours: list[Audience], base: list[Audience]) -> Claim:
    late, alone = (percentile([late for one in audiences for late in one.late], 99) for audiences in (ours, base))
    return Claim(name, late / alone, 1.2, at_least=False, made_from=f"{late:.0f} ms against {alone:.0f} ms")
