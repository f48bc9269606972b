"""A store in trouble never touches the run, loses nothing it could have kept, and what is lost is counted and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import TextMessage

from chatlog import MessageDraft, SessionStatus, SessionStore, StorageUnavailable
from chatlog.errors import StorageDenied, StoreClosed
from chatlog.integrations import background
from chatlog.integrations.autogen import record
from chatlog.integrations.background import RunReport
from tests.chatlog.integrations import teams
from tests.chatlog.integrations.conftest import the_session
from tests.chatlog.integrations.troubled_store import TroubledStore, raising, raising_every_second_time


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(background, "LONGEST_PAUSE_SECONDS", 0.002)


def refusing(text: str, error: Exception) -> Callable[[Sequence[MessageDraft]], None]:
    def refuse(drafts: Sequence[MessageDraft]) -> None:
        if any(draft.content == text for draft in drafts):
            raise error

    return refuse


async def run(stream: Any, store: TroubledStore, **options: Any) -> tuple[list[Any], RunReport]:
    reports: list[RunReport] = []
    items = [item async for item in record(stream, store=store, on_report=reports.append, **options)]
    (report,) = reports
    return items, report


def lines(*contents: str) -> list[TextMessage]:
    return [TextMessage(content=content, source="a") for content in contents]


@pytest.mark.parametrize("moment", ["before_append", "after_append", "before_create", "after_create", "before_update"])
async def test_a_store_that_fails_now_and_then_misses_nothing_and_doubles_nothing(
    store: SessionStore, troubled: TroubledStore, moment: str
) -> None:
    setattr(troubled, moment, raising_every_second_time(StorageUnavailable("away")))
    items, report = await run(teams.five_agents(turns=20).run_stream(task="Go"), troubled)
    session, messages = await the_session(store)
    assert [m.message_id for m in messages[:-1]] == [item.id for item in items[:-1]]
    assert (report.saved, report.lost, session.status) == (22, 0, SessionStatus.COMPLETED)
    assert isinstance(report.first_error, StorageUnavailable)


async def test_a_store_that_never_answers_leaves_the_run_alone_and_says_so_once(
    troubled: TroubledStore, caplog: pytest.LogCaptureFixture
) -> None:
    troubled.before_create = raising(StorageUnavailable("nobody there"))
    items, report = await run(teams.five_agents().run_stream(task="Go"), troubled, flush_seconds=0.05)
    assert isinstance(items[-1], TaskResult)
    assert (report.session_id, report.saved, report.lost) == (None, 0, 7)
    ours = [record for record in caplog.records if record.name.startswith("chatlog")]
    assert [record.levelno for record in ours] == [logging.WARNING, logging.ERROR]
    assert "nobody there" in ours[0].getMessage()
    assert "lost=7" in ours[1].getMessage()


async def test_the_run_does_not_wait_for_a_slow_store(store: SessionStore, troubled: TroubledStore) -> None:
    troubled.gate.clear()
    async for item in record(teams.five_agents().run_stream(task="Go"), store=troubled):
        if isinstance(item, TaskResult):  # the run is over, and not one save has come through
            troubled.gate.set()
    _, messages = await the_session(store)
    assert len(messages) == 7


async def test_a_store_that_hangs_for_ever_does_not_keep_the_run_from_ending(troubled: TroubledStore) -> None:
    troubled.gate.clear()
    items, report = await run(teams.five_agents().run_stream(task="Go"), troubled, flush_seconds=0.05)
    assert (len(items), report.lost) == (7, 7)


async def test_what_waits_is_bounded_and_the_rest_is_counted(
    store: SessionStore, troubled: TroubledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MAX_WAITING_MESSAGES", 3)
    troubled.gate.clear()
    reports: list[RunReport] = []
    async for item in record(teams.five_agents().run_stream(task="Go"), store=troubled, on_report=reports.append):
        if isinstance(item, TaskResult):
            troubled.gate.set()
    _, messages = await the_session(store)
    assert (len(messages), reports[0].saved, reports[0].lost) == (3, 3, 4)
    assert isinstance(reports[0].first_error, BufferError)


async def test_what_waits_is_bounded_in_characters_too(troubled: TroubledStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MAX_WAITING_CHARACTERS", 10)
    troubled.gate.clear()
    _, report = await run(teams.stream_of(*lines("12345", "67890", "x")), troubled, flush_seconds=0.01)
    assert isinstance(report.first_error, BufferError)
    assert report.lost == 3


@pytest.mark.parametrize(
    "error", [StorageDenied("no"), StoreClosed(), RuntimeError("a bug of its own")], ids=lambda e: type(e).__name__
)
async def test_a_message_that_is_refused_for_good_does_not_take_others_along(
    store: SessionStore, troubled: TroubledStore, error: Exception
) -> None:
    troubled.before_append = refusing("second", error)
    _, report = await run(teams.stream_of(*lines("first", "second", "third")), troubled)
    session, messages = await the_session(store)
    assert [m.content for m in messages] == ["first", "third"]
    assert (report.saved, report.lost, report.first_error) == (2, 1, error)
    assert session.status is SessionStatus.COMPLETED


async def test_a_message_too_large_is_counted_and_the_others_are_stored(store: SessionStore, troubled: TroubledStore) -> None:
    _, report = await run(teams.stream_of(*lines("first", "x" * 3_000_000, "third")), troubled)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["first", "third"]
    assert report.lost == 1


class Unreadable(TextMessage):
    def to_text(self) -> str:
        raise KeyError("format_string")


async def test_a_message_that_cannot_be_read_is_counted_and_told_in_the_last_one(
    store: SessionStore, troubled: TroubledStore
) -> None:
    result = TaskResult(messages=[], stop_reason="enough")
    items, report = await run(teams.stream_of(*lines("first"), Unreadable(content="x", source="a"), result), troubled)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["first", "The run ended: enough\n\n1 of its messages could not be recorded."]
    assert (len(items), report.lost) == (3, 1)


async def test_an_outcome_that_cannot_be_stored_is_told(troubled: TroubledStore, caplog: pytest.LogCaptureFixture) -> None:
    troubled.before_update = raising(StorageDenied("read only role"))
    _, report = await run(teams.stream_of(*lines("first")), troubled)
    assert (report.saved, report.lost) == (1, 0)
    assert "stays active; that it is completed could not be stored" in caplog.text


async def test_a_run_that_fails_still_raises_its_own_error_when_the_store_is_away(troubled: TroubledStore) -> None:
    troubled.before_append = raising(StorageUnavailable("away"))
    with pytest.raises(LookupError, match="the team's own"):
        await run(teams.stream_of(*lines("first"), LookupError("the team's own")), troubled, flush_seconds=0.02)


async def test_the_end_of_the_run_cuts_a_long_pause_short(
    store: SessionStore, troubled: TroubledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 3600.0)
    failed = asyncio.Event()

    def fail_once(_: object) -> None:
        if not failed.is_set():
            failed.set()
            raise StorageUnavailable("away")

    troubled.before_append = fail_once
    async for _ in record(teams.stream_of(*lines("first")), store=troubled):
        await failed.wait()
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["first"]


async def test_more_than_one_batch_keeps_its_order(store: SessionStore, troubled: TroubledStore) -> None:
    troubled.gate.clear()
    said = lines(*(f"remark {number}" for number in range(250)))
    async for item in record(teams.stream_of(*said), store=troubled):
        if item is said[-1]:
            troubled.gate.set()
    _, messages = await the_session(store)
    assert [m.content for m in messages] == [item.content for item in said]
    assert troubled.appends <= 4
