"""`manage.py demo`: the site and five agents that talk in it, with one command and one link."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.static_files import collect_if_stale
from dashboard.views.accounts import create_login_link

HOST = "127.0.0.1"
PERSON = "demo"
# The demo stays in CHATLOG_DATA_DIR and on this machine: it writes sample discussions, and makes a person who can log in.
LEFT_ALONE = ("COSMOSDB_ENDPOINT", "COSMOSDB_READ_ONLY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS")
START_SECONDS = 60.0
# The site's own end takes at most 9.5 seconds.
STOP_SECONDS = 9.8

TEXT = """
  chatlog is running: five agents are talking right now, in Japanese and in English.

    Open   {url}
           (logs you in as "{person}", once and on this machine only; run the demo again for a new link)
    Data   {data_dir}{left_alone}
    Stop   Ctrl-C   (what was said is kept)
"""


class Command(BaseCommand):
    help = "Start the site on 127.0.0.1 with a discussion that is going on now. Ctrl-C stops both."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help=f"port (PORT, now {settings.PORT})")
        parser.add_argument("--pace", type=float, default=1.0, help="how many times as fast as people the agents talk")

    def handle(self, *, port: int, pace: float, **options: Any) -> None:
        left_alone = _leave_alone()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # both are asked to stop the same way
        try:
            self._run(port, pace=pace, left_alone=left_alone)
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. Start again with: make demo")

    def _run(self, port: int, *, pace: float, left_alone: str) -> None:
        _refuse_taken_port(port)
        call_command("migrate", interactive=False, verbosity=0)
        collect_if_stale()
        programs = {
            "site": ["django", "serve", "--host", HOST, "--port", str(port)],
            "agents": ["dashboard.demo.agents", "--pace", str(pace)],
        }
        with _running(programs) as processes:
            _wait_for_site(port, processes)
            url = _login_url(port)
            self.stdout.write(TEXT.format(url=url, person=PERSON, data_dir=settings.DATA_DIR, left_alone=left_alone))
            self.stdout.flush()
            _wait_for_end(processes)


def _leave_alone() -> str:
    """Start over without the variables that lead to somebody's real services; the note says which those were."""
    found = [name for name in LEFT_ALONE if os.environ.get(name, "").strip()]
    if found:
        # The settings have been read from them already, so this process begins again.
        os.environ.update(dict.fromkeys(found, ""), CHATLOG_DEMO_LEFT_ALONE=", ".join(found))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # this very command, once more
    names = os.environ.get("CHATLOG_DEMO_LEFT_ALONE")
    return f"\n           ({names} of your settings: not used by the demo)" if names else ""


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {HOST}:{port}: {error.strerror}. Another demo may be running; stop it, or choose another "
                f"port: make demo PORT={port + 1}"
            ) from error


def _login_url(port: int) -> str:
    person, is_new = User.objects.get_or_create(username=PERSON)
    if is_new:
        person.set_unusable_password()
        person.save()
    return f"http://{HOST}:{port}{create_login_link(person)}"


@contextmanager
def _running(programs: Mapping[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in programs.items():
            processes[name] = _start(command)
        yield processes
    finally:
        _stop(list(processes.values()))


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", "dashboard.demo.attached", *command],
        cwd=settings.BASE_DIR,
        env=os.environ | {"CHATLOG_DATA_DIR": str(settings.DATA_DIR), "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
        stdin=subprocess.PIPE,  # closed by the system when this process ends in whatever way; see `dashboard.demo.attached`
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes to this process, which then stops them
    )


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()


def _wait_for_site(port: int, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        _refuse_ended(processes)
        try:
            with urlopen(f"http://{HOST}:{port}/healthz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise CommandError(f"The site did not answer on {HOST}:{port} within {START_SECONDS:.0f} s. What it said is above.")


def _wait_for_end(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    while True:
        _refuse_ended(processes)
        time.sleep(0.2)


def _refuse_ended(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if (status := process.poll()) is not None:
            raise CommandError(
                f"A part of the demo ended early: {name} ({_how(status)}). Its last words are above; all is stopped."
            )


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
