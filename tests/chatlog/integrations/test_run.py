"""What a recording of any framework's run promises, whoever speaks and from whatever thread."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

import chatlog
from chatlog import ConfigurationError, MessageDraft, SessionStatus, SessionStore
from chatlog.errors import IdempotencyConflict
from chatlog.integrations.run import RecordedRun
from tests.chatlog.integrations.conftest import the_session
from tests.chatlog.integrations.troubled_store import TroubledStore


def says(*contents: str) -> Iterator[MessageDraft]:
    return (MessageDraft(source="a", content=content) for content in contents)


def a_run(store: SessionStore | TroubledStore, **options: object) -> RecordedRun:
    return RecordedRun(source="A run", no_task="A run", store=store, **options)  # type: ignore[arg-type]


async def test_what_other_threads_say_is_recorded_each_ones_in_its_order(store: SessionStore) -> None:
    run = a_run(store)
    run.begin()

    def speak(name: int) -> None:
        for number in range(50):
            run.take(lambda: says(f"{name} {number}"))  # noqa: B023 - taken at once

    with ThreadPoolExecutor(4) as pool:
        await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, speak, name) for name in range(4)))
    report = await run.end(None)
    _, messages = await the_session(store)
    assert (report.saved, report.lost) == (200, 0)
    for name in range(4):
        assert [m.content for m in messages if m.content.startswith(f"{name} ")] == [f"{name} {n}" for n in range(50)]


async def test_a_thread_wakes_the_recording_by_what_it_says(troubled: TroubledStore) -> None:
    stored = asyncio.Event()
    troubled.after_append = stored.set
    run = a_run(troubled)
    run.begin()
    await asyncio.sleep(0)  # so that it waits for something to save
    await asyncio.to_thread(run.take, lambda: says("from afar"))
    await asyncio.wait_for(stored.wait(), 10)
    await run.end(None)


async def test_what_is_said_after_the_end_is_told_and_not_stored(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    run = a_run(store)
    run.begin()
    run.take(lambda: says("in time"))
    await run.end(None)
    run.take(lambda: says("late"))
    assert "outside of its recording" in caplog.text
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["in time"]


async def test_a_report_that_raises_is_logged_and_breaks_nothing(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    def tell(_: object) -> None:
        raise ValueError("no screen")

    run = a_run(store, on_report=tell)
    run.begin()
    run.tell(await run.end(None))
    assert "no screen" in caplog.text


async def test_a_recording_is_for_one_use(store: SessionStore) -> None:
    run = a_run(store)
    run.begin()
    with pytest.raises(ConfigurationError, match="used before"):
        run.begin()
    await run.end(None)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, SessionStatus.COMPLETED),
        (ValueError("x"), SessionStatus.FAILED),
        (asyncio.CancelledError(), SessionStatus.CANCELLED),
        (GeneratorExit(), SessionStatus.CANCELLED),
        (KeyboardInterrupt(), SessionStatus.CANCELLED),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_how_a_run_ended_becomes_the_sessions_status(
    store: SessionStore, error: BaseException | None, status: SessionStatus
) -> None:
    run = a_run(store)
    run.begin()
    run.take(lambda: says("something"))
    await run.end(error)
    session, messages = await the_session(store)
    assert session.status is status
    assert len(messages) == (2 if status is SessionStatus.FAILED else 1)


async def test_a_run_without_a_word_leaves_no_session(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    run = a_run(store)
    run.begin()
    with caplog.at_level(logging.WARNING):
        report = await run.end(None)
    assert (report.session_id, report.saved, report.lost, caplog.text) == (None, 0, 0, "")
    assert (await store.list_sessions()).items == ()


async def test_things_that_cannot_be_read_are_counted_each(store: SessionStore) -> None:
    def read(number: int) -> Iterator[MessageDraft]:
        if number % 2:
            raise ValueError(number)
        yield MessageDraft(source="a", content=str(number))

    run = a_run(store)
    run.begin()
    run.take(lambda: run.each(range(5), read))
    report = await run.end(None)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["0", "2", "4"]
    assert (report.saved, report.lost) == (3, 2)


async def test_a_store_that_finds_every_id_taken_loses_the_remark_and_says_so(troubled: TroubledStore) -> None:
    def taken(drafts: Sequence[MessageDraft]) -> None:
        raise IdempotencyConflict("session", drafts[0].message_id)

    troubled.before_append = taken
    run = a_run(troubled)
    run.begin()
    run.take(lambda: says("one", "two"))
    report = await run.end(None)
    assert (report.saved, report.lost, type(report.first_error)) == (0, 2, IdempotencyConflict)


async def test_a_remark_whose_id_is_taken_gets_another_that_stays_the_same(store: SessionStore) -> None:
    def numbered() -> Iterator[MessageDraft]:
        return (MessageDraft(source="a", content=content, message_id="1") for content in ("one", "two", "one", "two"))

    for _ in range(2):
        async with chatlog.Recorder(store, task="t", session_id="s") as session:
            run = RecordedRun(source="A run", no_task="A run", recorder=session)
            run.begin()
            run.take(numbered)
            report = await run.end(None)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["one", "two"]
    assert messages[1].metadata == {"taken_id": "1"}
    assert (report.saved, report.lost) == (4, 0)


async def test_a_question_that_begins_with_a_desert_of_spaces_still_names_the_session(store: SessionStore) -> None:
    run = a_run(store)
    run.begin()
    run.take(lambda: says(" " * 200_000 + "Go"))
    await run.end(None)
    session, _ = await the_session(store)
    assert session.task == "Go"


def test_chatlog_itself_loads_no_framework() -> None:
    program = (
        "import sys, chatlog; "
        "print([name for name in ('autogen_agentchat', 'agents', 'langgraph', 'langchain_core', 'agent_framework') "
        "if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
