"""What a forked process may do with a file that its parent uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import chatlog

# The parent's store stays open over the fork, and its writer's thread alive, although the event loops end.
HEAD = """
import asyncio, os, sys, threading, time
import chatlog
from chatlog import StorageUnavailable
from tests.factories import make_draft, make_session

def save(store, text):
    return asyncio.run(store.append_messages("s", [make_draft(content=text)]))[0].sequence

def open_store():
    return chatlog.open_store(f"sqlite:///{sys.argv[1]}")

store = open_store()
asyncio.run(store.create_session(make_session(session_id="s")))
asyncio.run(store.list_messages("s"))
save(store, "before")
said, say = os.pipe()
closed, close = os.pipe()
"""
FORK = "child = os.fork()"

WRITE = """
begun = threading.Event()

def write():
    with store._writer._kept.use() as connection:
        connection.execute("BEGIN IMMEDIATE")
        begun.set()
        time.sleep(0.3)  # a fork that does not wait comes into the middle of it
        connection.execute("COMMIT")

threading.Thread(target=write).start()
begun.wait()
"""

OUTLIVING = """
if child == 0:
    own = open_store()
    save(own, "beside its parent")
    os.write(say, b".")
    os.read(closed, 1)
    save(own, "alone")
    os._exit(0)
os.read(said, 1)
asyncio.run(store.aclose())
os.write(close, b".")
os.waitpid(child, 0)
"""

STAYING = """
if child == 0:
    save(open_store(), "child")
    os._exit(0)
os.waitpid(child, 0)
save(store, "parent")
print(len(asyncio.run(store.list_messages("s"))))
"""

INHERITING = """
if child == 0:
    for attempt in (lambda: save(store, "child"), lambda: asyncio.run(store.list_messages("s"))):
        try:
            attempt()
        except StorageUnavailable as error:
            print(error, flush=True)
    asyncio.run(store.aclose())
    os._exit(0)
os.waitpid(child, 0)
"""


def run_to_its_end(program: str, path: Path, *, before: str = "") -> str:
    command = [sys.executable, "-c", HEAD + before + FORK + program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


async def stored(path: Path) -> list[str]:
    async with chatlog.open_store(f"sqlite:///{path}") as store:
        return [message.content for message in await store.list_messages("s")]


async def test_a_child_that_outlives_its_parent_loses_nothing(tmp_path: Path) -> None:
    run_to_its_end(OUTLIVING, tmp_path / "c.sqlite3")
    assert await stored(tmp_path / "c.sqlite3") == ["before", "beside its parent", "alone"]


async def test_the_parents_own_store_works_on(tmp_path: Path) -> None:
    assert run_to_its_end(STAYING, tmp_path / "c.sqlite3") == "3\n"
    assert await stored(tmp_path / "c.sqlite3") == ["before", "child", "parent"]


async def test_a_child_forked_while_its_parent_writes_is_not_held_up_for_ever(tmp_path: Path) -> None:
    assert run_to_its_end(STAYING, tmp_path / "c.sqlite3", before=WRITE) == "3\n"


async def test_an_inherited_store_says_that_it_cannot_be_used(tmp_path: Path) -> None:
    said = run_to_its_end(INHERITING, tmp_path / "c.sqlite3")
    assert said == "This store was in use when the process was forked. Open another one in the new process.\n" * 2
    assert await stored(tmp_path / "c.sqlite3") == ["before"]
