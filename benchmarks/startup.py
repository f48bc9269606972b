"""How soon the site shows its first page, and what it takes while nobody watches."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

import psutil

from benchmarks.report import Claim, Report

REPEATS = 5
SETTLE_SECONDS = 3.0


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="chatlog-bench-") as folder:
        environment = os.environ | {"CHATLOG_DATA_DIR": folder, "REDIS_URL": "", "COSMOSDB_ENDPOINT": ""}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, env=environment)
        figures = [_start_once(environment, Path(folder)) for _ in range(REPEATS)]
    seconds, megabytes = zip(*figures, strict=True)
    return Report(
        f"The site by itself (medians of {REPEATS})",
        [
            Claim("start to first page", median(seconds), 3, " s", at_least=False),
            Claim("resident memory, idle", median(megabytes), 150, " MB", at_least=False),
        ],
    )


def _start_once(environment: dict[str, str], folder: Path) -> tuple[float, float]:
    start = time.monotonic()
    log = (folder / "serve.log").open("w+")
    server = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", "0"], stdout=log, stderr=log, env=environment)
    try:
        address = _wait_for_address(Path(log.name), server)
        with urllib.request.urlopen(f"{address}login/") as page:  # noqa: S310  # loopback, http
            page.read()
        seconds = time.monotonic() - start
        time.sleep(SETTLE_SECONDS)
        return seconds, psutil.Process(server.pid).memory_info().rss / 1e6
    finally:
        server.terminate()
        server.wait()
        log.close()


def _wait_for_address(log: Path, server: subprocess.Popen[bytes]) -> str:
    while server.poll() is None:
        for word in log.read_text().split():
            if word.startswith("http://"):
                return word
        time.sleep(0.01)
    raise RuntimeError(f"The site did not start: {log.read_text()}")
