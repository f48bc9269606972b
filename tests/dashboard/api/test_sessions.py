"""Sessions over HTTP: begun, listed, read, changed, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatlog.domain.models import SessionStatus
from chatlog.errors import SessionNotFound
from chatlog.storage.base import SessionStore
from tests.dashboard.programs.program import Program
from tests.factories import make_drafts, make_session

SESSIONS = "/api/v1/sessions"


async def test_a_session_is_begun_and_can_be_read_where_the_answer_says(program: Program, store: SessionStore) -> None:
    sent = {"task": "名前を決める", "participants": ["a", "b"], "title": "Names", "tags": ["x"], "metadata": {"run": 7}}
    answer = await program.post(SESSIONS, sent)
    assert answer.status == 201
    assert answer.json.items() >= sent.items()
    assert (answer.json["status"], answer.json["state"], answer.json["message_count"]) == ("active", "running", 0)
    read = await program.get(answer.headers["location"])
    assert read.json == answer.json
    assert (await store.get_session(answer.json["session_id"])).task == "名前を決める"


async def test_one_that_began_before_it_could_be_told_says_when(program: Program, store: SessionStore) -> None:
    answer = await program.post(SESSIONS, {"task": "x", "created_at": "2026-11-23T14:30:25+09:00"})
    assert (answer.status, answer.json["created_at"]) == (201, "2026-11-23T05:30:25.000000Z")
    assert (await store.get_session(answer.json["session_id"])).created_at == datetime(2026, 11, 23, 5, 30, 25, tzinfo=UTC)


async def test_beginning_it_again_changes_nothing_and_with_another_task_is_a_conflict(program: Program) -> None:
    sent = {"session_id": "mine", "task": "one"}
    first = await program.post(SESSIONS, sent)
    assert (await program.post(SESSIONS, sent)).json == first.json
    answer = await program.post(SESSIONS, sent | {"task": "another"})
    assert (answer.status, answer.fields) == (409, ["session_id"])
    assert answer.json["errors"][0]["value"] == "mine"


async def test_the_list_comes_in_pages_and_under_filters(program: Program, store: SessionStore) -> None:
    began = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for number in range(5):
        session = make_session(
            task=f"Task {number}",
            created_at=began + timedelta(days=number),
            participants=["ann", f"p{number}"],
            tags=["odd"] if number % 2 else [],
        )
        await store.create_session(session)
        await store.update_session(session.session_id, status=SessionStatus.COMPLETED if number else SessionStatus.FAILED)

    async def tasks(query: str) -> list[str]:
        answer = await program.get(f"{SESSIONS}?{query}")
        assert answer.status == 200, answer.body
        return [item["task"][-1] for item in answer.json["items"]]

    first = (await program.get(f"{SESSIONS}?limit=3")).json
    assert [item["task"][-1] for item in first["items"]] == ["4", "3", "2"]
    assert await tasks(f"limit=3&cursor={first['next_cursor']}") == ["1", "0"]
    assert await tasks("status=failed") == ["0"]
    assert await tasks("status=failed&status=completed&tag=odd") == ["3", "1"]
    assert await tasks("agent=ann&agent=p2") == ["2"]
    assert await tasks("from=2026-11-24&to=2026-11-25") == ["2", "1"]
    assert await tasks("from=2026-11-24&to=2026-11-24&tz=Asia/Tokyo") == ["1"]
    assert (await program.get(f"{SESSIONS}?limit=5")).json["next_cursor"] is None


async def test_what_did_not_change_is_not_sent_again(program: Program, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    for path in (SESSIONS, f"{SESSIONS}/{session.session_id}", f"{SESSIONS}/{session.session_id}/messages"):
        first = await program.get(path)
        again = await program.get(path, if_none_match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    await store.append_messages(session.session_id, make_drafts(1))
    assert (await program.get(path, if_none_match=first.headers["etag"])).status == 200


async def test_a_change_leaves_what_it_does_not_name(program: Program, store: SessionStore) -> None:
    session = await store.create_session(make_session(title="Old", tags=["a"]))
    path = f"{SESSIONS}/{session.session_id}"
    assert (await program.patch(path, {"status": "completed"})).json["title"] == "Old"
    assert (await program.patch(path, {"tags": ["b", "c"]})).json["status"] == "completed"
    changed = (await program.patch(path, {"title": ""})).json
    assert (changed["title"], changed["tags"]) == (None, ["b", "c"])
    answer = await program.patch(path, {"status": "asleep"})
    assert (answer.status, answer.fields) == (422, ["status"])
    assert "'cancelled'" in answer.json["errors"][0]["limit"]


async def test_a_deleted_session_is_gone_at_once(program: Program, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    path = f"{SESSIONS}/{session.session_id}"
    answer = await program.send("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    for gone in (path, f"{path}/messages"):
        answer = await program.get(gone)
        assert (answer.status, answer.fields) == (404, ["session_id"])
        assert "restored" in answer.json["detail"]
    with pytest.raises(SessionNotFound):
        await store.get_session(session.session_id)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("status=asleep", "status[0]"),
        ("from=yesterday", "from"),
        ("from=0001-01-01", "from"),
        ("from=2026-11-24&to=2026-11-23", "from"),
        ("tz=Mars/Olympus", "tz"),
        ("limt=10", "limt"),
        ("agent=" + "x" * 256, "agent[0]"),
        ("&".join(f"agent={number}" for number in range(11)), "agent"),
    ],
)
async def test_a_filter_that_is_not_understood_is_refused_by_its_name(program: Program, query: str, field: str) -> None:
    answer = await program.get(f"{SESSIONS}?{query}")
    assert (answer.status, answer.fields) == (422, [field])
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "task"),
        ({"task": " "}, "task"),
        ({"task": 7}, "task"),
        ({"task": "x" * 100_001}, "task"),
        ({"task": "x", "participants": ["a", 7]}, "participants[1]"),
        ({"task": "x", "metadata": [1]}, "metadata"),
        ({"task": "x", "metadata": {"n": 2**60}}, "metadata"),
        ({"task": "x", "tsk": 1}, "tsk"),
        ({"task": "x", "session_id": "a/b"}, "session_id"),
        ({"task": "x", "created_at": "yesterday"}, "created_at"),
        ({"task": "x", "created_at": "2026-11-23T14:30:25"}, "created_at"),
        ({"task": "x", "created_at": "2199-01-01T00:00:00Z"}, "created_at"),
        ({"task": "x", "created_at": 1763908225}, "created_at"),
        ({"task": "\0"}, "task"),
        ({"task": "\ud800"}, "task"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_a_session_that_cannot_be_is_refused_by_its_field(
    program: Program, store: SessionStore, sent: object, field: str
) -> None:
    answer = await program.post(SESSIONS, sent)
    assert (answer.status, answer.fields) == (422, [field])
    assert not (await store.list_sessions()).items
