"""The agents as a process of their own, at a pace at which a discussion takes a moment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import chatlog
from chatlog import Session, SessionStatus, SessionStore
from chatlog.config import StoreSettings
from dashboard.demo.scripts import list_scripts

ROOT = Path(__file__).parents[3]
START = [sys.executable, "-m", "dashboard.demo.agents", "--pace"]
FAST, SLOW = "5000", "0.001"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(pace: str, **environment: str) -> subprocess.Popen[str]:
        environment = os.environ | {"CHATLOG_DATA_DIR": str(tmp_path)} | environment
        process = subprocess.Popen([*START, pace], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(StoreSettings(data_dir=tmp_path)) as opened:
        yield opened


async def until(store: SessionStore, holds: Callable[[list[Session]], bool]) -> list[Session]:
    async with asyncio.timeout(60):
        while not holds(sessions := list((await store.list_sessions(limit=1000)).items)):
            await store.wait_for_change(at_most=1.0)
        return sessions


def live(sessions: list[Session]) -> list[Session]:
    return sorted((s for s in sessions if s.metadata == {"demo": "live"}), key=lambda s: s.created_at)


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    return process.returncode, stderr


async def test_discussions_alternate_in_sessions_of_their_own_and_are_stored_whole(store: SessionStore, start: Start) -> None:
    process = start(FAST)
    sessions = await until(store, lambda found: len(live(found)) >= 4)
    assert stop(process) == (0, "")
    scripts = [script for script in list_scripts() if script.status is None]
    for session, script in zip(live(sessions)[:3], scripts * 2, strict=False):
        messages = await store.list_messages(session.session_id)
        assert [(m.source, m.content, m.kind) for m in messages] == [(r.source, r.content, r.kind) for r in script.remarks]
    statuses = [session.status for session in live(list((await store.list_sessions(limit=1000)).items))]
    assert set(statuses[:3]) == {SessionStatus.COMPLETED}
    assert statuses[-1] is SessionStatus.CANCELLED


async def test_there_is_one_running_discussion_while_they_talk(store: SessionStore, start: Start) -> None:
    process = start(SLOW)
    sessions = await until(store, lambda found: bool(live(found)))
    assert [s.status for s in sessions].count(SessionStatus.ACTIVE) == 1
    assert stop(process, signal.SIGINT) == (0, "")
    sessions = await until(store, lambda _: True)
    assert [s.status for s in live(sessions)] == [SessionStatus.CANCELLED]


async def test_killed_and_started_again_they_keep_what_was_said_and_double_nothing(store: SessionStore, start: Start) -> None:
    process = start("200")
    before = await until(store, lambda found: bool(live(found)) and live(found)[0].message_count >= 3)
    process.kill()
    process.wait()
    kept = {s.session_id: await store.list_messages(s.session_id, limit=1000) for s in before}
    process = start(SLOW)
    after = await until(store, lambda found: len(live(found)) == 2)
    stop(process)
    for session_id, messages in kept.items():
        assert (await store.list_messages(session_id, limit=1000))[: len(messages)] == messages
    assert len(after) == len(before) + 1
    left, new = live(after)
    assert (left.status, new.status) == (SessionStatus.CANCELLED, SessionStatus.ACTIVE)
    assert left.message_count == await store.get_last_sequence(left.session_id)


async def test_two_programs_in_one_folder_do_not_end_each_others_discussion(store: SessionStore, start: Start) -> None:
    first = start(SLOW)
    await until(store, lambda found: bool(live(found)))
    second = start(SLOW)
    assert second.stderr is not None
    line = await asyncio.wait_for(asyncio.to_thread(second.stderr.readline), 30)
    assert "Other agents talk" in line
    assert [s.status for s in live(await until(store, lambda _: True))] == [SessionStatus.ACTIVE]
    stop(first)
    sessions = await until(store, lambda found: len(live(found)) == 2)
    assert [s.status for s in live(sessions)] == [SessionStatus.CANCELLED, SessionStatus.ACTIVE]


async def test_they_never_write_to_an_account(store: SessionStore, start: Start) -> None:
    process = start(SLOW, COSMOSDB_ENDPOINT="https://someones-own.example:443/", COSMOSDB_KEY="x")
    await until(store, lambda found: bool(live(found)))
    assert stop(process) == (0, "")


def test_they_need_no_web_framework() -> None:
    program = (
        "import sys, dashboard.demo.agents; print({m.split('.')[0] for m in sys.modules} & {'django', 'channels', 'daphne'})"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


def test_a_pace_that_cannot_be_is_refused(start: Start) -> None:
    _, stderr = start("-1").communicate(timeout=30)
    assert "-1 is not above 0" in stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = start(SLOW, CHATLOG_DATA_DIR=str(tmp_path / "file" / "below"))
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(stderr.splitlines()) == 1
    assert "Traceback" not in stderr
