"""A real site: `manage.py serve` in a process of its own on a free port, and what a browser would say to it."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import websockets
from websockets.asyncio.client import ClientConnection

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0


@dataclass
class Site:
    process: asyncio.subprocess.Process
    port: int
    first_line: str
    cookie: str = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> tuple[int, dict[str, str], str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Cookie: {self.cookie}", "Connection: close", "", ""]
        writer.write("\r\n".join(head).encode())
        answer = await reader.read()
        writer.close()
        return parse(answer)

    async def post(
        self, path: str, body: bytes, *headers: str, announced: int | None = None
    ) -> tuple[int, dict[str, str], str]:
        """What a program sends; it may announce more than it does."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        size = len(body) if announced is None else announced
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, f"Content-Length: {size}", "Connection: close", "", ""]
        writer.write("\r\n".join(head).encode() + body)
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return parse(answer)

    def watch(self, session_id: str, *, after: int = 0) -> websockets.connect:
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}/ws/sessions/{session_id}/?after={after}",
            origin=self.origin,
            additional_headers={"Cookie": self.cookie},
            max_size=None,
        )


def parse(answer: bytes) -> tuple[int, dict[str, str], str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body.decode(errors="replace")


def most_memory(process: psutil.Process) -> int:
    """The most it ever had at once, in bytes."""
    line = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def read_rows(socket: ClientConnection, *, up_to: int) -> list[int]:
    """The sequences that arrive, until `up_to` has."""
    shown: list[int] = []
    while up_to not in shown:
        frame = await asyncio.wait_for(socket.recv(), 10)
        shown += [int(number) for number in re.findall(r'\bid="message-(\d+)"', str(frame))]
    return shown


def environment(data: Path, **extra: str) -> dict[str, str]:
    names = ("DATABASE_URL", "REDIS_URL", "COSMOSDB_ENDPOINT", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SECRET_KEY")
    cleared = dict.fromkeys(names, "")
    return os.environ | cleared | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "CHATLOG_DATA_DIR": str(data)} | extra


async def manage(data: Path, *arguments: str, **extra: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "manage.py"),
        *arguments,
        cwd=ROOT,
        env=environment(data, **extra),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


PERSON = ("ann", "a-password-of-hers")
PREPARE = f"""
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
user = User.objects.create_user({PERSON[0]!r}, password={PERSON[1]!r})
login = import_module(settings.SESSION_ENGINE).SessionStore()
login[SESSION_KEY], login[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
login[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
login.save()
print("LOGIN", login.session_key)
"""


@cache
def prepared() -> tuple[Path, str]:
    """A data folder with the site's tables and somebody who is logged in, made once; and the key of the login session."""
    folder = Path(tempfile.mkdtemp(prefix="chatlog-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", PREPARE],
        cwd=ROOT,
        env=environment(folder),
        check=True,
        capture_output=True,
        text=True,
    )
    return folder, done.stdout.split("LOGIN ")[1].strip()


@asynccontextmanager
async def running_site(data: Path, *, program: str = "manage.py", port: int = 0, **extra: str) -> AsyncIterator[Site]:
    """Start a site over `data`, with somebody logged in. It is killed at the end if the test has not stopped it."""
    folder, login = prepared()
    for file in folder.iterdir():
        if not (data / file.name).exists():
            shutil.copy2(file, data)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / program),
        "serve",
        f"--port={port}",
        cwd=ROOT,
        env=environment(data, **extra),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode()
        yield Site(process, int(re.search(r":(\d+)/", line)[1]), line, cookie=f"sessionid={login}")  # type: ignore[index]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
