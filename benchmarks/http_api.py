"""The HTTP API: what saving costs against an empty view of Django's, and programs that follow a session beside its viewers."""

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
from benchmarks.report import Claim, Report
from benchmarks.saving import TEXT

REPEATS = 5
SECONDS = 3.0
CALLERS = 16
LIST = 100
WATCH_REPEATS = 3
WATCHERS = 200


def measure() -> Report:
    return Report(
        f"HTTP API (daphne, SQLite, {CALLERS} callers, medians of {REPEATS}; {WATCHERS} readers, medians of {WATCH_REPEATS})",
        [*_measure_saving(), *_measure_following()],
    )


def _measure_saving() -> list[Claim]:
    empty: list[float] = []
    single: list[float] = []
    lists: list[float] = []
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder, _servers(Path(folder)) as (site, nothing):
        for _ in range(REPEATS):  # alternated, so that a slow minute of the machine hits all of them
            empty.append(_rate(nothing, _get(nothing)))
            single.append(_rate(site, _post(site, messages=1), status=b"201"))
            lists.append(LIST * _rate(site, _post(site, messages=LIST), status=b"201"))
    return [
        _compare("one message a request, durable: of an empty view's rate", single, empty, least=45, unit="%"),
        # Twenty times what is promised of messages one by one. Those are far above their promise, and so less far below lists.
        _compare(f"messages in lists of {LIST}, durable: of the same rate", lists, empty, least=20 * 45, unit="%"),
        _compare(f"messages in lists of {LIST} / messages one by one", lists, single, least=5, unit=""),
    ]


def _compare(name: str, ours: list[float], base: list[float], *, least: float, unit: str) -> Claim:
    factor = 100 if unit == "%" else 1
    value = median(factor * one / other for one, other in zip(ours, base, strict=True))
    return Claim(name, value, least, unit, made_from=f"{median(ours):,.0f}/s against {median(base):,.0f}/s")


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    servers = [Helper("benchmarks.http_api_server", variant, data_dir=folder) for variant in ("ours", "empty")]
    try:
        site, nothing = (server.hear() for server in servers)
        yield site, nothing
    finally:
        for server in servers:
            server.end()


def _rate(server: dict[str, Any], next_request: Callable[[], bytes], *, status: bytes = b"200") -> float:
    return asyncio.run(
        count_answers(server["port"], next_request=next_request, callers=CALLERS, seconds=SECONDS, status=status)
    )


def _get(server: dict[str, Any]) -> Callable[[], bytes]:
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server['port']}\r\n\r\n".encode()
    return lambda: request


_numbers = itertools.count()


def _post(server: dict[str, Any], *, messages: int) -> Callable[[], bytes]:
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
    """Browsers alone, as many again, and beside as many programs."""
    alone: list[Audience] = []
    doubled: list[Audience] = []
    mixed: list[tuple[Audience, Audience]] = []
    for _ in range(WATCH_REPEATS):
        alone.append(paced("ours", WATCHERS)[0])
        doubled.append(paced("ours", 2 * WATCHERS)[0])
        browsers, programs = paced("ours", WATCHERS, readers=WATCHERS)
        mixed.append((browsers, programs))
    delivered = min(min(browsers.delivered, programs.delivered) for browsers, programs in mixed)
    together = [max(browsers.p99, programs.p99) for browsers, programs in mixed]
    return [
        Claim(f"{WATCHERS} programs beside {WATCHERS} browsers: delivered to both", delivered, 100, "%"),
        _compare_p99("their p99 / that of as many browsers alone", together, [one.p99 for one in doubled]),
        _compare_p99("the browsers' p99 / without the programs", [one.p99 for one, _ in mixed], [one.p99 for one in alone]),
    ]


def _compare_p99(name: str, ours: list[float], base: list[float]) -> Claim:
    value = median(one / other for one, other in zip(ours, base, strict=True))
    return Claim(name, value, 1.2, at_least=False, made_from=f"{median(ours):.0f} ms against {median(base):.0f} ms")
