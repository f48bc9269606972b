"""What becomes of what is logged in several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatlog import SessionStatus, SessionStore
from tests.chatlog.integrations.conftest import the_session

ROOT = Path(__file__).parents[3]
HEAD = """
import logging, multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from chatlog.integrations.logs import ChatlogHandler

log = logging.getLogger("agents")
log.setLevel("INFO")


def listen():
    if not log.handlers:  # a child that was forked has its parent's
        log.addHandler(ChatlogHandler(task="Night shift", location=sys.argv[1]))


def agent(name):
    listen()
    for number in range(5):
        log.info("%s %s", name, number)
"""

SEVERAL = """
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    listen()
    log.info("parent")
    children = [multiprocessing.Process(target=agent, args=(name,)) for name in "abc"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    log.info("parent again")
"""

POOL = """
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[2])
    listen()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(agent, "abcd"))
"""

OLD_POOL = """
if __name__ == "__main__":
    listen()
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        pool.map(agent, "abcd")
        pool.close()
        pool.join()
"""

FAILING = """
def fail():
    agent("a")
    raise LookupError("no figures today")


if __name__ == "__main__":
    child = multiprocessing.get_context(sys.argv[2]).Process(target=fail)
    child.start()
    child.join()
"""

SHARING = """
if __name__ == "__main__":
    log.addHandler(ChatlogHandler(task="Night shift", location=sys.argv[1], session_id="shared"))
    log.info("parent")
    child = multiprocessing.get_context("fork").Process(target=agent, args="a")
    child.start()
    child.join()
    log.info("parent again")
"""

LEAVING = """
def leave():
    agent("a")
    sys.exit(3)


if __name__ == "__main__":
    child = multiprocessing.get_context("fork").Process(target=leave)
    child.start()
    child.join()
"""


@pytest.fixture
def location(tmp_path: Path, store: SessionStore) -> str:
    return f"sqlite:///{tmp_path}/chatlog.sqlite3"


def run_to_its_end(program: str, location: str, *arguments: str) -> str:
    """The program as a file, which children that are spawned read again; returns what it complained of."""
    file = Path(location.removeprefix("sqlite:///")).with_name("program.py")
    file.write_text(HEAD + program)
    ended = subprocess.run(
        [sys.executable, file, location, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ended.stderr


def of(*names: object) -> list[str]:
    return [f"{name} {number}" for name in names for number in range(5)]


async def everything_said(store: SessionStore, *, status: SessionStatus = SessionStatus.COMPLETED) -> list[list[str]]:
    """What each session holds, all of which ended in that way."""
    sessions = (await store.list_sessions(limit=50)).items
    assert {session.status for session in sessions} == {status}
    return [[m.content for m in await store.list_messages(session.session_id, limit=500)] for session in sessions]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
async def test_each_child_has_a_session_with_all_it_said(store: SessionStore, location: str, method: str) -> None:
    assert run_to_its_end(SEVERAL, location, method) == ""
    assert sorted(await everything_said(store)) == [of("a"), of("b"), of("c"), ["parent", "parent again"]]


@pytest.mark.parametrize(
    ("program", "method"), [(POOL, "fork"), (POOL, "spawn"), (OLD_POOL, "fork")], ids=["fork", "spawn", "old-fork"]
)
async def test_the_workers_of_a_pool_lose_nothing(store: SessionStore, location: str, program: str, method: str) -> None:
    assert run_to_its_end(program, location, method) == ""
    said = await everything_said(store)
    assert len(said) in {1, 2}  # as many as had work
    assert sorted(text for texts in said for text in texts) == of("a", "b", "c", "d")


@pytest.mark.parametrize("method", ["fork", "spawn"])
async def test_a_child_that_fails_fails_its_session(store: SessionStore, location: str, method: str) -> None:
    run_to_its_end(FAILING, location, method)
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert [m.content for m in messages[:5]] == of("a")
    assert "no figures today" in messages[5].content


async def test_a_child_that_leaves_by_itself_completes_its_session(store: SessionStore, location: str) -> None:
    run_to_its_end(LEAVING, location)
    assert await everything_said(store) == [of("a")]


async def test_a_child_shares_the_session_that_its_parent_gave_an_id(store: SessionStore, location: str) -> None:
    assert run_to_its_end(SHARING, location) == ""
    (said,) = await everything_said(store)
    assert sorted(said) == sorted([*of("a"), "parent", "parent again"])
