"""What a recording keeps, or says that it lost, when its program is left in the middle of the run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import chatlog
from chatlog import Message, MessageDraft, Session, SessionStatus, SessionStore
from chatlog.integrations.run import RecordedRun
from tests.chatlog.integrations.conftest import the_session
from tests.chatlog.integrations.troubled_store import TroubledStore

Program = Callable[[RecordedRun], Awaitable[None]]


def says(*contents: str) -> Iterator[MessageDraft]:
    return (MessageDraft(source="a", content=content) for content in contents)


@asynccontextmanager
async def recorded(store: SessionStore | TroubledStore) -> AsyncIterator[RecordedRun]:
    """As the adapters do it."""
    run = RecordedRun(source="A run", no_task="A run", store=store)  # type: ignore[arg-type]
    run.begin()
    try:
        yield run
    except BaseException as error:
        await run.end(error)
        raise
    else:
        await run.end(None)


async def record(location: str, program: Program) -> None:
    async with chatlog.open_store(location) as store, recorded(store) as run:
        await program(run)


def read(location: str) -> tuple[Session, list[str]]:
    async def read_it() -> tuple[Session, list[Message]]:
        async with chatlog.open_store(location) as store:
            return await the_session(store)

    session, messages = asyncio.run(read_it())
    return session, [message.content for message in messages]


@pytest.fixture
def location(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chatlog.sqlite3"


async def leave_in_a_tool(run: RecordedRun) -> None:
    run.take(lambda: says("one"))
    await asyncio.gather(asyncio.create_task(leave(run)))


async def leave(run: RecordedRun) -> None:
    run.take(lambda: says("two"))
    sys.exit(3)


def test_leaving_the_program_in_a_task_keeps_what_was_said(location: str) -> None:
    with pytest.raises(SystemExit):
        asyncio.run(record(location, leave_in_a_tool))  # which cancels all tasks: the run's, and the one that saves
    session, texts = read(location)
    assert (texts, session.status) == (["one", "two"], SessionStatus.CANCELLED)


async def speak_on(run: RecordedRun) -> None:
    run.take(lambda: says("one"))
    await asyncio.Event().wait()


def test_a_run_that_the_program_does_not_wait_for_keeps_what_was_said(location: str) -> None:
    async def main() -> None:
        background = asyncio.create_task(record(location, speak_on))
        await asyncio.wait([background], timeout=0.3)

    asyncio.run(main())
    session, texts = read(location)
    assert (texts, session.status) == (["one"], SessionStatus.CANCELLED)


async def test_who_does_not_wait_for_the_end_reads_in_the_log_what_is_lost(
    troubled: TroubledStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with recorded(troubled) as run:
            run.take(lambda: says("one", "two"))

    troubled.gate.clear()
    program = asyncio.create_task(main())
    await asyncio.sleep(0.05)
    program.cancel()
    with pytest.raises(asyncio.CancelledError):
        await program
    assert "not recorded completely" in caplog.text
    assert "lost=2" in caplog.text


async def test_a_status_that_was_not_stored_is_told_although_no_word_is_lost(
    troubled: TroubledStore, caplog: pytest.LogCaptureFixture
) -> None:
    def cancel() -> None:
        raise asyncio.CancelledError

    troubled.before_update = cancel
    async with recorded(troubled) as run:
        run.take(lambda: says("one"))
    assert "not recorded completely" in caplog.text


STOPPED = """
import asyncio, gc, sys
from tests.chatlog.integrations.test_run_endings import record, stop
loop = asyncio.new_event_loop()
task = loop.create_task(record(sys.argv[1], stop))
loop.run_forever()
loop.close()
del task
gc.collect()
"""


async def stop(run: RecordedRun) -> None:
    run.take(lambda: says("one"))
    asyncio.get_running_loop().stop()
    await asyncio.Event().wait()


def test_a_run_whose_loop_was_closed_is_told_when_it_is_thrown_away(location: str) -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED, location], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr.count("A run is not recorded completely: RunReport(session_id=") == 1


async def test_what_a_forked_process_says_is_told_and_not_stored(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    told, tell = os.pipe()
    async with recorded(store) as run:
        run.take(lambda: says("one"))
        child = os.fork()
        if child == 0:
            run.take(lambda: says("lost"))
            os.write(tell, caplog.text.encode())
            os._exit(0)
        os.waitpid(child, 0)  # noqa: ASYNC222 - it ends at once
    os.close(tell)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["one"]
    assert b"said in a forked process, and is not stored" in os.read(told, 10_000)
