from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import chatlog
from chatlog import ConfigurationError, Recorder, SessionNotFound, SessionStatus, SessionStore
from tests.factories import make_drafts, make_session


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with chatlog.open_store(f"sqlite:///{tmp_path}/c.sqlite3") as opened:
        yield opened


async def test_leaving_the_block_completes_the_session(store: SessionStore) -> None:
    async with Recorder(store, task="t", participants=["a"], tags=["x"], title="T", metadata={"k": 1}) as session:
        assert (await session.save(source="b", content="one")).sequence == 1
        assert (await session.save(source="a", content="two")).sequence == 2
        assert (await store.get_session(session.session_id)).status is SessionStatus.ACTIVE
    ended = await store.get_session(session.session_id)
    assert (ended.status, ended.message_count, ended.participants) == (SessionStatus.COMPLETED, 2, ("a", "b"))
    assert (ended.tags, ended.title, ended.metadata) == (("x",), "T", {"k": 1})


async def test_an_exception_marks_it_failed(store: SessionStore) -> None:
    with pytest.raises(RuntimeError, match="the agent's own"):
        async with Recorder(store, task="t") as session:
            raise RuntimeError("the agent's own")
    assert (await store.get_session(session.session_id)).status is SessionStatus.FAILED


async def test_a_cancellation_marks_it_cancelled(store: SessionStore) -> None:
    begun = asyncio.Event()
    recorder = Recorder(store, task="t")

    async def talk() -> None:
        async with recorder:
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(talk())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await store.get_session(recorder.session_id)).status is SessionStatus.CANCELLED


async def test_a_continued_session_keeps_its_status(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    async with Recorder(store, session_id=session.session_id) as continued:
        assert (await continued.save(source="a", content="more")).sequence == 1
    assert (await store.get_session(session.session_id)).status is SessionStatus.ACTIVE


async def test_ending_it_by_hand_stands(store: SessionStore) -> None:
    async with Recorder(store, task="t") as session:
        await session.end(SessionStatus.CANCELLED)
    assert (await store.get_session(session.session_id)).status is SessionStatus.CANCELLED


async def test_an_unknown_session_cannot_be_continued(store: SessionStore) -> None:
    with pytest.raises(SessionNotFound):
        async with Recorder(store, session_id="session_nobody"):
            pass
    with pytest.raises(ConfigurationError, match="task"):
        Recorder(store)


async def test_saving_many_keeps_their_order(store: SessionStore) -> None:
    drafts = make_drafts(150)
    async with Recorder(store, task="t") as session:
        stored = await session.save_many(drafts)
    assert [(m.sequence, m.message_id) for m in stored] == [(n, d.message_id) for n, d in enumerate(drafts, 1)]


async def test_a_signal_that_fails_does_not_fail_the_save(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def notify(self, session_id: str) -> None:
            raise ConnectionError("no carrier")

    with caplog.at_level(logging.WARNING):
        async with Recorder(store, task="t", signals=Broken()) as session:
            assert (await session.save(source="a", content="b")).sequence == 1
    assert session.session_id in caplog.text


async def test_the_blocks_own_error_wins_over_a_status_that_cannot_be_stored(store: SessionStore) -> None:
    with pytest.raises(RuntimeError, match="mine"):
        async with Recorder(store, task="t"):
            await store.aclose()
            raise RuntimeError("mine")
