"""What every adapter promises, in real runs of its framework; what is one framework's own stands in that one's tests."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

import chatlog
from chatlog import ConfigurationError, InvalidInput, MessageKind, SessionStatus, SessionStore, StorageUnavailable
from chatlog.integrations import background
from chatlog.integrations.background import RunReport
from tests.chatlog.integrations import adapters
from tests.chatlog.integrations.adapters import Adapter
from tests.chatlog.integrations.conftest import the_session
from tests.chatlog.integrations.troubled_store import TROUBLES, TroubledStore, raising_every_second_time


@pytest.fixture(params=adapters.ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(background, "LONGEST_PAUSE_SECONDS", 0.002)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_run_gives_what_it_gave_before_whatever_the_store_does(
    troubled: TroubledStore, adapter: Adapter, trouble: str
) -> None:
    TROUBLES[trouble](troubled)
    reports: list[RunReport] = []
    recorded = await adapter.talk(store=troubled, on_report=reports.append, flush_seconds=0.02)
    assert recorded == await adapter.talk()
    assert reports[0].saved == 0
    assert reports[0].lost >= 15
    assert reports[0].first_error is not None


async def test_nothing_is_missing_or_doubled_when_a_store_fails_now_and_then(
    store: SessionStore, troubled: TroubledStore, adapter: Adapter
) -> None:
    troubled.after_append = raising_every_second_time(StorageUnavailable("the reply was lost"))
    reports: list[RunReport] = []
    await adapter.talk(store=troubled, on_report=reports.append)
    session, messages = await the_session(store)
    assert (reports[0].saved, reports[0].lost, session.status) == (len(messages), 0, SessionStatus.COMPLETED)
    assert len({m.message_id for m in messages}) == len(messages) >= 15


async def test_the_run_is_over_before_a_slow_store_has_taken_anything(troubled: TroubledStore, adapter: Adapter) -> None:
    troubled.gate.clear()
    reports: list[RunReport] = []
    await adapter.talk(over=troubled.gate.set, store=troubled, on_report=reports.append)
    assert (reports[0].lost, reports[0].saved >= 15) == (0, True)


async def test_an_agent_that_raises_fails_the_session_with_a_last_remark(store: SessionStore, adapter: Adapter) -> None:
    with pytest.raises(LookupError) as raised:
        await adapter.fail(store=store)
    assert raised.value is adapters.ERROR
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert [(m.source, m.kind, m.content) for m in messages] == [
        ("user", MessageKind.TEXT, "Go"),
        (adapter.module.RUN_SOURCE, MessageKind.ERROR, "The run failed with LookupError: no figures today"),
    ]


async def test_a_run_that_is_cancelled_is_recorded_as_cancelled(store: SessionStore, adapter: Adapter) -> None:
    reached = asyncio.Event()
    run = asyncio.create_task(adapter.hang(reached, store=store))
    await reached.wait()
    adapter.cancel(run)
    with pytest.raises(asyncio.CancelledError):
        await run
    session, messages = await the_session(store)
    assert session.status is SessionStatus.CANCELLED
    assert [m.content for m in messages][:2] == ["Go", "First."]


async def test_a_stream_that_is_left_early_is_recorded_as_cancelled(store: SessionStore, adapter: Adapter) -> None:
    await adapter.leave(store=store)
    session, messages = await the_session(store)
    assert (session.status, messages[0].content) == (SessionStatus.CANCELLED, "Go")


async def test_the_same_run_recorded_again_is_stored_once(store: SessionStore, adapter: Adapter) -> None:
    reports: list[RunReport] = []
    async with chatlog.Recorder(store, task="Twice") as session:
        for _ in range(2):
            await adapter.say("Done.", id_="said-1", recorder=session, on_report=reports.append)
    _, messages = await the_session(store)
    assert [(m.message_id, m.content) for m in messages] == [("said-1-asked", "Go"), ("said-1", "Done.")]
    assert [report.lost for report in reports] == [0, 0]


async def test_an_id_that_comes_again_with_other_words_loses_none_of_them(store: SessionStore, adapter: Adapter) -> None:
    async with chatlog.Recorder(store, task="Numbered from one each time") as session:
        for text in ("First.", "Second.", "Second."):
            await adapter.say(text, id_="1", recorder=session)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Go", "First.", "Second."]
    assert (messages[1].message_id, messages[2].metadata["taken_id"]) == ("1", "1")


async def test_a_session_of_ones_own_keeps_its_status(store: SessionStore, adapter: Adapter) -> None:
    async with chatlog.Recorder(store, task="Both rounds") as session:
        for number in range(2):
            await adapter.say("Done.", id_=f"said-{number}", recorder=session)
        assert (await store.get_session(session.session_id)).status is SessionStatus.ACTIVE
    stored, messages = await the_session(store)
    assert (stored.task, stored.status, len(messages)) == ("Both rounds", SessionStatus.COMPLETED, 4)


async def test_an_error_that_cannot_even_say_what_it_is_reaches_the_caller_as_it_was(
    store: SessionStore, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    monkeypatch.setattr(adapters, "ERROR", Mute())
    with pytest.raises(Mute):
        await adapter.fail(store=store)
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert messages[-1].content == "The run failed with Mute: (its text cannot be read: RuntimeError)"


async def test_what_the_caller_passed_is_refused_where_it_was_passed(store: SessionStore, adapter: Adapter) -> None:
    for wrong in ({"task": "neither"}, {"store": store, "recorder": chatlog.Recorder(store, task="both")}):
        with pytest.raises(ConfigurationError, match="either a store"):
            await adapter.talk(**wrong)
    with pytest.raises(InvalidInput, match="session_id"):
        await adapter.talk(store=store, session_id="a/b")


def test_without_its_framework_the_extra_is_named(adapter: Adapter) -> None:
    program = f"import sys; sys.modules[{adapter.hidden!r}] = None; import chatlog.integrations.{adapter.name}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ConfigurationError" in ended.stderr
    assert f"pip install '{adapter.extra}'" in ended.stderr
