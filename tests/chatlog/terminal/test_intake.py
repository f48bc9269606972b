"""From lines to stored remarks, with a store in trouble: every line once, none lost, each bad one named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chatlog import IdempotencyConflict, Message, MessageDraft, Recorder, SessionStore, StorageUnavailable
from chatlog.errors import InvalidInput, StorageDenied
from chatlog.services import persisting
from chatlog.terminal.drafting import read_json, read_plain
from chatlog.terminal.intake import Intake
from chatlog.terminal.lines import MAX_LINE_BYTES, Line, LineReader
from tests.chatlog.integrations.troubled_store import TroubledStore
from tests.contract.conftest import STORES


@pytest.fixture(params=["sqlite", "cosmos-double"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


async def the_messages(store: SessionStore) -> list[Message]:
    session = (await store.list_sessions(limit=1)).items[0]
    return await store.list_messages(session.session_id, limit=1000)


class Lines:
    """Chunks of lines, as a pipe hands them out."""

    def __init__(self, *chunks: list[str]) -> None:
        self._chunks = list(chunks)
        self._number = 0

    @property
    def is_over(self) -> bool:
        return not self._chunks

    async def read(self) -> tuple[list[Line], bytes]:
        lines = [Line(self._number + place, text.encode()) for place, text in enumerate(self._chunks.pop(0), start=1)]
        self._number += len(lines)
        return lines, b""


async def test_a_store_that_is_away_is_waited_for_and_every_line_is_stored_once(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "FIRST_PAUSE_SECONDS", 0.001)
    troubled, told = TroubledStore(store), list[str]()

    def lose_replies() -> None:
        if troubled.appends % 3:
            raise StorageUnavailable("The reply was lost.")

    troubled.after_append = lose_replies
    async with Recorder(troubled, task="x") as recorder:  # type: ignore[arg-type]
        intake = Intake(recorder, read=read_plain("a"), tell=told.append)
        await intake.take_all(Lines(["one", "two"], [str(number) for number in range(250)]))  # type: ignore[arg-type]
    assert [m.content for m in await the_messages(store)] == ["one", "two", *map(str, range(250))]
    assert intake.stored == 252
    assert told == ["Waiting for the store: The reply was lost.", "The store answers again."] * 4


async def test_what_waiting_does_not_mend_ends_it(store: SessionStore) -> None:
    troubled = TroubledStore(store)

    def deny(_: object) -> None:
        raise StorageDenied("Not for you.")

    async with Recorder(store, task="x") as recorder:
        troubled.before_append = deny
        denied = Recorder(troubled, session_id=recorder.session_id)  # type: ignore[arg-type]
        with pytest.raises(StorageDenied):
            await Intake(denied, read=read_plain("a"), tell=print).take_all(Lines(["one"]))  # type: ignore[arg-type]


async def test_being_stopped_in_the_middle_of_a_save_loses_no_line(store: SessionStore) -> None:
    troubled = TroubledStore(store)
    async with Recorder(troubled, task="x") as recorder:  # type: ignore[arg-type]
        intake, lines = Intake(recorder, read=read_plain("a"), tell=print), Lines(["one", "two"], ["three"])
        troubled.gate.clear()
        taking = asyncio.create_task(intake.take_all(lines))  # type: ignore[arg-type]
        while not troubled.appends:  # noqa: ASYNC110  # the store's stand-in has no event for it
            await asyncio.sleep(0)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        troubled.gate.set()
        await intake.take_all(lines)  # type: ignore[arg-type]
    assert [m.content for m in await the_messages(store)] == ["one", "two", "three"]


async def test_a_conflict_with_what_others_stored_is_named_too(store: SessionStore) -> None:
    async with Recorder(store, task="x") as recorder:
        await recorder.save(source="a", content="theirs", message_id="same")
        told: list[str] = []
        intake = Intake(recorder, read=read_json("a"), tell=told.append)
        await intake.take_all(Lines(['{"content": "ours", "message_id": "same"}', '{"content": "x"}']))  # type: ignore[arg-type]
    assert [m.content for m in await the_messages(store)] == ["theirs", "x"]
    assert told == [f"Line 1 was left out: {IdempotencyConflict(recorder.session_id, 'same')}"]


async def test_what_only_a_site_refuses_is_named_and_everything_else_is_stored(store: SessionStore) -> None:
    troubled, told = TroubledStore(store), list[str]()

    def refuse(drafts: Sequence[MessageDraft]) -> None:
        if {"bad", "worse"} & {draft.content for draft in drafts}:
            raise InvalidInput("timestamp", "is ahead of this server's clock.")

    troubled.before_append = refuse
    lines = [*map(str, range(40)), "bad", *map(str, range(40, 60)), "worse"]
    async with Recorder(troubled, task="x") as recorder:  # type: ignore[arg-type]
        intake = Intake(recorder, read=read_plain("a"), tell=told.append)
        await intake.take_all(Lines(lines, ["after"]))  # type: ignore[arg-type]
    assert [m.content for m in await the_messages(store)] == [*map(str, range(60)), "after"]
    assert (intake.stored, intake.left_out) == (61, 2)
    reason = "timestamp: is ahead of this server's clock."
    assert told == [f"Line 41 was left out: {reason}", f"Line 62 was left out: {reason}"]


async def test_of_a_line_without_end_no_more_is_kept_than_a_line_may_have(tmp_path: Path) -> None:
    (tmp_path / "endless").write_bytes(b"x" * (3 * MAX_LINE_BYTES) + b"\nnext")
    found: list[Line] = []
    with (tmp_path / "endless").open("rb") as file:
        reader = LineReader(file.fileno())
        while not reader.is_over:
            found += (await reader.read())[0]
            assert len(reader._rest) <= MAX_LINE_BYTES
    assert found == [Line(1, None), Line(2, b"next")]
