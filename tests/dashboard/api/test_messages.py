"""Messages over HTTP: stored once however often they are sent, refused as a whole with the place of the fault named."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatlog.domain.models import Session
from chatlog.storage.base import SessionStore
from dashboard.api import messages
from tests.dashboard.programs.program import Program
from tests.factories import make_drafts, make_session


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session())


@pytest.fixture
def path(session: Session) -> str:
    return f"/api/v1/sessions/{session.session_id}/messages"


def say(content: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"source": "ann", "content": content, **more}


async def test_one_message_is_stored_when_the_answer_comes(
    program: Program, store: SessionStore, session: Session, path: str
) -> None:
    sent = say(
        "空間",
        message_id="m1",
        timestamp="2026-11-23T14:30:25+09:00",
        kind="thought",
        models_usage={"prompt_tokens": 3},
        metadata={"a": [1]},
    )
    answer = await program.post(path, sent)
    assert (answer.status, answer.json) == (201, {"sequence": 1, "message_id": "m1"})
    stored = (await store.list_messages(session.session_id))[0]
    assert (stored.content, stored.kind, stored.models_usage) == ("空間", "thought", {"prompt_tokens": 3})
    assert stored.timestamp == datetime(2026, 11, 23, 5, 30, 25, tzinfo=UTC)
    read = (await program.get(path)).json
    expected = sent | {"sequence": 1, "session_id": session.session_id, "timestamp": "2026-11-23T05:30:25.000000Z"}
    assert read == {"items": [expected], "next_after": None}


async def test_a_list_is_answered_with_a_list_in_its_order(program: Program, path: str) -> None:
    answer = await program.post(path, [say(str(number), message_id=f"m{number}") for number in range(1_000)])
    assert answer.status == 201
    assert answer.json == [{"sequence": number + 1, "message_id": f"m{number}"} for number in range(1_000)]
    answer = await program.post(path, [say()] * 1_001)
    assert (answer.status, answer.fields) == (422, ["body"])
    assert answer.json["errors"][0]["limit"] == 1_000


async def test_sent_any_number_of_times_in_any_way_it_is_stored_once(
    program: Program, store: SessionStore, session: Session, path: str
) -> None:
    remarks = [say(f"Remark {number}", message_id=f"m{number}") for number in range(10)]
    answers = await asyncio.gather(
        *(program.post(path, remark) for remark in remarks),
        *(program.post(path, remarks) for _ in range(3)),
        *(program.post(path, remarks[start : start + 4]) for start in range(6)),
    )
    assert {answer.status for answer in answers} == {201}
    stored = await store.list_messages(session.session_id)
    assert [message.sequence for message in stored] == list(range(1, 11))
    assert {message.message_id for message in stored} == {remark["message_id"] for remark in remarks}
    numbers = {message.message_id: message.sequence for message in stored}
    for answer in answers:
        for result in answer.json if isinstance(answer.json, list) else [answer.json]:
            assert numbers[result["message_id"]] == result["sequence"]


async def test_an_id_that_was_used_for_other_text_is_a_conflict_that_names_its_place(
    program: Program, store: SessionStore, session: Session, path: str
) -> None:
    await program.post(path, say("one", message_id="m1"))
    answer = await program.post(path, say("another", message_id="m1"))
    assert (answer.status, answer.fields) == (409, ["message_id"])
    answer = await program.post(path, [say("new"), say("another", message_id="m1")])
    assert (answer.status, answer.fields) == (409, ["[1].message_id"])
    assert [message.content for message in await store.list_messages(session.session_id)] == ["one"]


@pytest.mark.parametrize("other", [{"content": "second"}, {"source": "somebody else"}])
async def test_of_a_list_that_contradicts_itself_the_second_is_at_fault_and_nothing_is_stored(
    program: Program, path: str, other: dict[str, Any]
) -> None:
    first = say("first", message_id="m1")
    answer = await program.post(path, [first, say("between", message_id="m2"), first, first | other])
    assert (answer.status, answer.fields) == (409, ["[3].message_id"])
    assert answer.json["detail"].startswith("[3].message_id: is used by [0] of this list, with another source or content.")
    assert answer.json["errors"][0]["value"] == "m1"
    assert (await program.get(path)).json["items"] == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": 7}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"source": "x" * 256}, "source"),
        ({"message_id": "a/b"}, "message_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-11-23T14:30:25"}, "timestamp"),
        ({"timestamp": 1763908225}, "timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "timestamp"),
        ({"kind": "x" * 65}, "kind"),
        ({"metadata": {"deep": {"n": 1e999}}}, "metadata"),
        ({"models_usage": "many"}, "models_usage"),
        ({"sequence": 1}, "sequence"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field_and_place_and_nothing_is_stored(
    program: Program, path: str, wrong: dict[str, Any], field: str
) -> None:
    for value, name in ((say() | wrong, field), ([say(), say() | wrong], f"[1].{field}")):
        text = json.dumps(value).replace("Infinity", "1e999").encode()
        answer = await program.send("POST", path, text, content_type="application/json")
        assert (answer.status, answer.fields) == (422, [name])
    assert (await program.get(path)).json["items"] == []


async def test_a_clock_that_is_far_ahead_is_told_so(program: Program, path: str) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    answer = await program.post(path, say(timestamp=ahead.isoformat()))
    assert answer.status == 422
    assert "ahead of this server's clock; the limit is one day" in answer.json["detail"]
    assert answer.json["errors"][0]["value"] == ahead.isoformat()
    assert (await program.post(path, say(timestamp=(ahead - timedelta(days=1, hours=1)).isoformat()))).status == 201


async def test_a_message_over_the_limit_of_an_item_is_too_large(program: Program, path: str) -> None:
    answer = await program.post(path, say("x" * 1_500_000))
    assert answer.status == 413
    assert "the limit is 2,096,128" in answer.json["detail"]


async def test_messages_are_read_on_from_any_place(
    program: Program, store: SessionStore, session: Session, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append_messages(session.session_id, make_drafts(120))

    async def read(query: str) -> tuple[list[int], int | None]:
        page = (await program.get(f"{path}?{query}")).json
        return [item["sequence"] for item in page["items"]], page["next_after"]

    assert await read("") == (list(range(1, 121)), None)
    assert await read("limit=100") == (list(range(1, 101)), 100)
    assert await read("after=100&limit=20") == (list(range(101, 121)), None)
    assert await read("after=500") == ([], None)
    monkeypatch.setattr(messages, "MAX_PAGE_CHARACTERS", 100)
    numbers, after = await read("after=10")
    assert numbers == list(range(11, after + 1))
    assert len(numbers) < 20


async def test_there_is_nothing_to_read_from_or_say_into_a_session_that_is_not_there(program: Program) -> None:
    for answer in (
        await program.get("/api/v1/sessions/nowhere/messages"),
        await program.post("/api/v1/sessions/nowhere/messages", say()),
    ):
        assert (answer.status, answer.fields) == (404, ["session_id"])


async def test_who_watches_is_told(program: Program, session: Session, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("dashboard.signals.ChannelSignals.notify", lambda self, session_id: told.append(session_id))
    await program.post(path, say())
    assert told == [session.session_id]
