"""The program `chatlog` as people run it: in pipes, and on a terminal of a chosen size."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

import pytest

from chatlog import SessionStore, open_store
from chatlog.terminal.main import main

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "chatlog"]
PATIENCE = 60.0
Result = TypeVar("Result")


def environment(data: Path, **extra: str) -> dict[str, str]:
    cleared = {"COSMOSDB_ENDPOINT": "", "NO_COLOR": "", "CHATLOG_TOKEN": "", "PYTHONUNBUFFERED": ""}
    mine = {"CHATLOG_DATA_DIR": str(data), "TZ": "Asia/Tokyo", "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    return os.environ | cleared | mine | extra


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(data: Path, *arguments: str, lines: str | bytes = b"", **extra: str) -> Done:
    """To its end, with files for its input and output; in this process, which does not have to start first."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(data, **extra).items():
            patch.setenv(name, value)
        stdin, stdout, stderr = [stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="")) for _ in range(3)]
        stdin.buffer.write(lines.encode() if isinstance(lines, str) else lines)
        stdin.seek(0)
        for name, file in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            patch.setattr(sys, name, file)
        try:
            status = main(arguments)
        except SystemExit as refusal:  # of arguments that cannot be understood
            status = int(str(refusal.code))
        stdout.seek(0)
        stderr.seek(0)
        return Done(status, stdout.read(), stderr.read())


def run_process(data: Path, *arguments: str, lines: bytes = b"", **extra: str) -> Done:
    """To its end, as a process in pipes."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=ROOT,
        env=environment(data, **extra),
        input=lines,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@asynccontextmanager
async def started(data: Path, *arguments: str, **extra: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """In pipes, for as long as the block takes."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        cwd=ROOT,
        env=environment(data, **extra),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Its exit status once its input is closed, and what is left of its output and of what it said."""
    assert process.stdin is not None
    process.stdin.close()
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert b"Traceback" not in err, err.decode()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


class Terminal:
    """A program on a pseudo-terminal, and what it has written there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self.data = b""

    @property
    def text(self) -> str:
        return self.data.decode()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, word: str) -> str:
        self._read(lambda: word.encode() in self.data)
        assert word in self.text, f"{word!r} never came; there is {self.text!r}"
        return self.text

    def read_to_the_end(self) -> tuple[int, str]:
        self._read(lambda: False)
        return self.process.wait(PATIENCE), self.text

    def _read(self, is_enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_enough() and (left := deadline - time.monotonic()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # EIO: the program has closed the terminal
                return
            self.data += data


@contextmanager
def on_terminal(data: Path, *command: str, columns: int = 80, **extra: str) -> Iterator[Terminal]:
    """Start a program on a terminal of its own, of which it is the foreground process."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # The first terminal that the leader of a new session opens is the one whose Ctrl-C is for it.
    opening = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(slave)]
    process = subprocess.Popen(
        [*opening, *command], cwd=ROOT, env=environment(data, **extra), stdin=slave, start_new_session=True
    )
    os.close(slave)  # ours: the end of the program is then the end of what is read
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)


def with_store(data: Path, work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with open_store(f"sqlite:///{data}/chatlog.sqlite3") as store:
            return await work(store)

    return asyncio.run(run())
