"""`manage.py demo` as a newcomer runs it: real processes, a real port, one link."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tests.dashboard.site_process import ROOT, environment

Start = Callable[..., "Demo"]


class Demo:
    def __init__(self, data: Path, port: int, **extra: str) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--pace", "50"],
            cwd=ROOT,
            env=environment(data, PORT=str(port), **extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def read_block(self) -> str:
        assert self.process.stdout is not None
        while "Stop " not in self.output:
            line = self.process.stdout.readline()
            assert line, self.output
            self.output += line
        return self.output

    @property
    def link(self) -> str:
        return re.search(rf"http://127\.0\.0\.1:{self.port}(/\S+)", self.read_block())[1]  # type: ignore[index]

    def parts(self) -> dict[str, psutil.Process]:
        """The site and the agents."""
        children = psutil.Process(self.process.pid).children()
        return {"site" if "serve" in child.cmdline() else "agents": child for child in children}

    def get(self, path: str, cookie: str = "") -> tuple[int, str, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers={"Cookie": cookie})
        response = connection.getresponse()
        body = response.read().decode()
        cookies = "; ".join(value.split(";")[0] for name, value in response.getheaders() if name.lower() == "set-cookie")
        connection.close()
        return response.status, cookies, body

    def rest(self) -> str:
        self.output += self.process.communicate(timeout=20)[0]
        return self.output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Demo] = []

    def start(*, port: int | None = None, **extra: str) -> Demo:
        started.append(Demo(tmp_path, port or free_port(), **extra))
        return started[-1]

    yield start
    for demo in started:
        demo.process.kill()
        demo.process.wait()
        assert demo.process.stdout is not None
        demo.process.stdout.close()


def all_gone(parts: dict[str, psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(parts.values(), timeout=10)
    return not alive


def test_one_link_leads_to_a_discussion_that_is_going_on(start: Start) -> None:
    demo = start()
    status, cookie, _ = demo.get(demo.link)
    assert status == 302
    assert demo.get("/", cookie)[0] == 200
    page = demo.get("/", cookie)[2]
    assert "A name for the lending shelf" in page
    assert "離れて働くチームの「ちょっといいですか」" in page
    assert demo.get(demo.link)[0] == 404
    assert demo.output.count("http://") == 1


def test_ctrl_c_ends_everything_cleanly_and_it_can_be_started_again(start: Start) -> None:
    demo = start()
    demo.read_block()
    parts = demo.parts()
    assert set(parts) == {"site", "agents"}
    demo.process.send_signal(signal.SIGINT)
    assert demo.rest().endswith("Stopped. Start again with: make demo\n")
    assert demo.process.returncode == 0
    assert all_gone(parts)
    assert "Traceback" not in demo.output
    again = start(port=demo.port)
    assert again.get(again.link)[0] == 302


def test_kill_9_leaves_nothing_running(start: Start) -> None:
    demo = start()
    demo.read_block()
    parts = demo.parts()
    demo.process.kill()
    assert all_gone(parts)


@pytest.mark.parametrize("part", ["site", "agents"])
def test_if_one_part_dies_the_other_is_stopped_and_it_says_so(start: Start, part: str) -> None:
    demo = start()
    demo.read_block()
    parts = demo.parts()
    parts[part].kill()
    assert f"A part of the demo ended early: {part} (killed by SIGKILL)" in demo.rest()
    assert demo.process.returncode == 1
    assert all_gone(parts)


def test_a_taken_port_is_one_clear_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start(port=port)
        (line,) = demo.rest().splitlines()
        assert line.startswith(f"CommandError: Cannot listen on 127.0.0.1:{port}: Address already in use.")
        assert line.endswith(f"choose another port: make demo PORT={port + 1}")


def test_it_keeps_away_from_real_services(start: Start, tmp_path: Path) -> None:
    demo = start(COSMOSDB_ENDPOINT="https://someones-own.example:443/", DATABASE_URL=f"sqlite:///{tmp_path}/real.sqlite3")
    assert "(COSMOSDB_ENDPOINT, DATABASE_URL of your settings: not used by the demo)" in demo.read_block()
    assert demo.get(demo.link)[0] == 302
    assert not (tmp_path / "real.sqlite3").exists()
    assert (tmp_path / "chatlog.sqlite3").exists()
