"""A real site in a process of its own, with tokens for it, that can be killed and started again at the same address."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from tests.dashboard.site_process import ROOT, environment, prepared

MANAGE = [sys.executable, str(ROOT / "manage.py")]


class ServedSite:
    """`token` is good from the start; `other_tokens` are as well."""

    def __init__(self, folder: Path, tokens: list[str]) -> None:
        self.folder = folder
        self.token, *self.other_tokens = tokens
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def location(self) -> str:
        """Its store, for looking at from behind."""
        return f"sqlite:///{self.folder}/chatlog.sqlite3"

    def start(self) -> None:
        """Return when it answers: at the address it had before, if it had one."""
        with (self.folder / "site.log").open("a") as log:
            self._process = subprocess.Popen(
                [*MANAGE, "serve", f"--port={self.port}"],
                cwd=ROOT,
                env=environment(self.folder),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.port = int(re.search(r":(\d+)/", self._process.stdout.readline())[1])

    def kill(self) -> None:
        """As a power cut would: nothing is finished."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def revoke(self, token: str) -> None:
        self._change(token, "revoked_at = '2026-01-01'")

    def forbid_reading(self, token: str) -> None:
        self._change(token, "may_read = 0")

    def _change(self, token: str, change: str) -> None:
        with closing(sqlite3.connect(self.folder / "dashboard.sqlite3")) as database, database:
            hashed = hashlib.sha256(token.encode()).hexdigest()
            done = database.execute(f"UPDATE dashboard_apitoken SET {change} WHERE token_hash = ?", [hashed])  # ours
            assert done.rowcount == 1


NEW_TOKENS = """
from django.contrib.auth.models import User
from dashboard.programs.tokens import create_token
for _ in range(8):
    print("TOKEN", create_token(User.objects.get(), name="", by="a test")[1])
"""


@cache
def _prepared_with_tokens() -> tuple[Path, list[str]]:
    folder = prepared()[0]
    done = subprocess.run(
        [*MANAGE, "shell", "-v0", "-c", NEW_TOKENS],
        cwd=ROOT,
        env=environment(folder),
        check=True,
        capture_output=True,
        text=True,
    )
    return folder, re.findall(r"TOKEN (\S+)", done.stdout)


@contextmanager
def served_site() -> Iterator[ServedSite]:
    """A site that is running."""
    folder, tokens = _prepared_with_tokens()
    with tempfile.TemporaryDirectory(prefix="chatlog-served-") as data:
        shutil.copytree(folder, data, dirs_exist_ok=True)
        site = ServedSite(Path(data), tokens)
        try:
            site.start()
            yield site
        finally:
            site.kill()
