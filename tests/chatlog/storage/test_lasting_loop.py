"""What an event loop still does when the program is at its end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from chatlog.storage.lasting_loop import LastingLoop

AT_THE_END = """
import asyncio, atexit, threading
from chatlog.storage.lasting_loop import LastingLoop

async def main():
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo("localhost", 80)
    print(len(found) > 0, await asyncio.to_thread(str.upper, "done"))

def last():
    with asyncio.Runner(loop_factory=LastingLoop) as runner:
        runner.run(main())

atexit.register(last)
"""


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=LastingLoop) as opened:
        yield opened


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def test_it_finds_names_and_does_other_work_after_the_main_thread_has_ended() -> None:
    ended = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, check=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("True DONE\n", "")


def test_it_does_the_work_itself_where_no_thread_is_to_be_had(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    without_threads(monkeypatch)
    assert runner.run(asyncio.to_thread(threading.get_ident)) == threading.get_ident()


@pytest.mark.parametrize("threads", [True, False])
def test_what_fails_is_told(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, *, threads: bool) -> None:
    if not threads:
        without_threads(monkeypatch)
    with pytest.raises(socket.gaierror):
        runner.run(asyncio.to_thread(socket.getaddrinfo, "256.256.256.256", 80, flags=socket.AI_NUMERICHOST))


def test_it_goes_on_while_the_work_lasts_and_after_nobody_waits_any_more(runner: asyncio.Runner) -> None:
    may_end = threading.Event()

    async def main() -> None:
        work = asyncio.create_task(asyncio.to_thread(may_end.wait, 30))
        await asyncio.sleep(0)
        work.cancel()
        assert await asyncio.gather(work, return_exceptions=True)
        may_end.set()
        assert await asyncio.to_thread(lambda: "next") == "next"

    runner.run(main())
