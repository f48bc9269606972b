"""Many exporters at the same time, and a store that is slow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chatlog.services.spans.recording_spans import SpanRecorder, Taken
from chatlog.services.spans.span import Span
from chatlog.storage.base import SessionStore
from dashboard.otlp import places, receiving
from tests.chatlog.services.spans.making import model, text
from tests.dashboard.otlp.encoding import JSON, as_json
from tests.dashboard.programs.program import Answer, Program

SAID = model(text("assistant", "Tokori."))


async def export(program: Program, session_id: str) -> Answer:
    span = replace(SAID, attributes={**SAID.attributes, "gen_ai.conversation.id": session_id})
    return await program.send("POST", "/v1/traces", as_json(span), content_type=JSON)


class SlowStore:
    """Requests come as far as being stored, and stay there until they are let on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._arrived = asyncio.Semaphore(0)
        self.let_on = asyncio.Event()
        record = SpanRecorder.record

        async def record_later(recorder: SpanRecorder, spans: list[Span]) -> Taken:
            self._arrived.release()
            await self.let_on.wait()
            return await record(recorder, spans)

        monkeypatch.setattr(SpanRecorder, "record", record_later)

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            for _ in range(count):
                await self._arrived.acquire()


async def test_what_is_being_stored_keeps_nobody_from_being_read(
    program: Program, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowStore(monkeypatch)
    names = [f"talk {number}" for number in range(receiving.READ_AT_ONCE + 1)]
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(export(program, name)) for name in names]
        await slow.wait_for(len(names))
        slow.let_on.set()
    assert [task.result().status for task in sending] == [200] * len(names)


async def test_whoever_finds_too_many_waiting_is_to_send_again_and_nobody_else_is(
    program: Program, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowStore(monkeypatch)
    names = [f"talk {number}" for number in range(places.MOST_INSIDE + places.MOST_WAITING + 1)]
    sending = [asyncio.create_task(export(program, name)) for name in names]
    await slow.wait_for(places.MOST_INSIDE)
    async with asyncio.timeout(10):
        done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    answers = [task.result() for task in done]
    assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "5")]
    slow.let_on.set()
    statuses = sorted(answer.status for answer in await asyncio.gather(*sending))
    assert statuses == [200] * (len(names) - 1) + [503]
    assert len((await store.list_sessions()).items) == len(names) - 1
    assert (await export(program, "later")).status == 200


async def test_whoever_waited_in_vain_is_to_send_again(
    program: Program, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowStore(monkeypatch)
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.05)
    inside = [asyncio.create_task(export(program, f"talk {number}")) for number in range(places.MOST_INSIDE)]
    await slow.wait_for(places.MOST_INSIDE)
    answer = await export(program, "late")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    slow.let_on.set()
    assert [answer.status for answer in await asyncio.gather(*inside)] == [200] * places.MOST_INSIDE
    assert (await export(program, "late")).status == 200
