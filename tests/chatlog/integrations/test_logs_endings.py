"""What becomes of the last words of a program that logs, and of those it has no means to store."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlog import SessionStatus, SessionStore
from chatlog.integrations import logs_worker
from chatlog.integrations.background import RunReport
from chatlog.integrations.logs import ChatlogHandler
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.chatlog.integrations.conftest import the_session
from tests.cosmos.double.server import double_server
from tests.cosmos.fixtures import KEY, settings_for

PROGRAM = """
import logging
from chatlog.integrations.logs import ChatlogHandler
log = logging.getLogger()
log.setLevel("INFO")
log.addHandler(ChatlogHandler(task="Night shift"))
for number in range(3):
    log.info("line %s", number)
"""
LINES = ["line 0", "line 1", "line 2"]


@pytest.fixture
def location(tmp_path: Path, store: SessionStore) -> str:
    return f"sqlite:///{tmp_path}/chatlog.sqlite3"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test_logs_endings.agents")
    logger.setLevel(logging.DEBUG)
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def run_to_its_end(**environment: str) -> str:
    """A program that ends with its last word; returns what it complained of."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stderr


async def test_what_a_short_program_says_reaches_an_account_that_has_a_name() -> None:
    with double_server(KEY) as double:
        settings = settings_for(double.endpoint.replace("127.0.0.1", "localhost"))
        complaints = run_to_its_end(
            COSMOSDB_ENDPOINT=settings.endpoint,
            COSMOSDB_KEY=KEY,
            COSMOSDB_EMULATOR="1",
            COSMOSDB_DATABASE_NAME=settings.database_name,
            COSMOSDB_CONTAINER_NAME=settings.container_name,
        )
        async with CosmosSessionStore(settings) as store:
            (session,) = (await store.list_sessions()).items
            messages = await store.list_messages(session.session_id)
    assert complaints == ""
    assert ([m.content for m in messages], session.status, session.message_count) == (LINES, SessionStatus.COMPLETED, 3)


async def test_a_thread_that_cannot_be_started_is_told_and_tried_again(
    store: SessionStore,
    location: str,
    log: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reports: list[RunReport] = []
    log.addHandler(handler := ChatlogHandler(task="Night shift", location=location, on_report=reports.append))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        log.info("one")
        log.info("two")
    assert capsys.readouterr().err.count("RuntimeError: can't start new thread") == 2
    log.info("three")
    handler.close()
    _, (message,) = await the_session(store)
    assert (message.content, reports[0].saved, reports[0].lost) == ("three", 1, 2)


async def test_a_program_that_never_gets_its_thread_is_told_how_much_it_lost(
    location: str, log: logging.Logger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_loop() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(logs_worker, "LastingLoop", no_loop)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    reports: list[RunReport] = []
    log.addHandler(handler := ChatlogHandler(task="Night shift", location=location, on_report=reports.append))
    log.info("one")
    log.info("two")
    handler.close()
    (report,) = reports
    assert (report.session_id, report.saved, report.lost, type(report.first_error)) == (None, 0, 2, OSError)
    assert "lost=2" in caplog.text
