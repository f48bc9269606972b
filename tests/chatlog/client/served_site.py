"""A real site in a process of its own, with a token for it, that can be killed and started again at the same address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.dashboard.site_process import ROOT, environment, prepared

MANAGE = [sys.executable, str(ROOT / "manage.py")]


class ServedSite:
    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self.token = token
        self.address = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when it answers: at the address it had before, if it had one."""
        port = self.address.rpartition(":")[2] or "0"
        with (self.folder / "site.log").open("a") as log:
            self._process = subprocess.Popen(
                [*MANAGE, "serve", f"--port={port}"],
                cwd=ROOT,
                env=environment(self.folder),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self._process.stdout.readline()
        self.address = re.search(r"http://[\d.:]+", line)[0]

    def kill(self) -> None:
        """As a power cut would: nothing is finished."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [*MANAGE, *arguments], cwd=ROOT, env=environment(self.folder), check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    @property
    def location(self) -> str:
        """Its store, for looking at from behind."""
        return f"sqlite:///{self.folder}/chatlog.sqlite3"


@cache
def _prepared_with_token() -> tuple[Path, str]:
    folder = prepared()[0]
    return folder, ServedSite(folder, "").manage("create_token", "ann")


@contextmanager
def served_site(*, running: bool = True) -> Iterator[ServedSite]:
    folder, token = _prepared_with_token()
    with tempfile.TemporaryDirectory(prefix="chatlog-served-") as data:
        shutil.copytree(folder, data, dirs_exist_ok=True)
        site = ServedSite(Path(data), token)
        try:
            if running:
                site.start()
            yield site
        finally:
            site.kill()
