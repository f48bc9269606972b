"""Searching, counting and exporting over HTTP: what the pages show, as JSON and files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from chatlog.domain.models import Session, SessionStatus
from chatlog.storage.base import SessionStore
from dashboard.api import streams
from dashboard.api.exports import Format
from dashboard.export_formats import FORMATS
from tests.dashboard.programs.program import Program
from tests.factories import make_draft, make_session

SAID = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # the 24th in Tokyo


@pytest.fixture
async def session(store: SessionStore) -> Session:
    session = await store.create_session(make_session(task="名前", participants=["ann", "bob"]))
    drafts = [
        make_draft(source="ann", content="空間共有型のツールを提案します。", timestamp=SAID),
        make_draft(source="bob", content="The window is open all day.", timestamp=SAID),
        make_draft(source="ann", content="=1+1 is the window's price", timestamp=SAID),
    ]
    await store.append_messages(session.session_id, drafts)
    return session


async def test_a_search_finds_the_remark_and_marks_the_place(program: Program, session: Session) -> None:
    found = (await program.get("/api/v1/search?q=%E7%A9%BA%E9%96%93")).json
    (item,) = found["items"]
    assert item["session"]["session_id"] == session.session_id
    (hit,) = item["hits"]
    assert (hit["sequence"], hit["source"]) == (1, "ann")
    assert [piece["text"] for piece in hit["snippet"] if piece["is_match"]] == ["空間"]


async def test_a_search_is_narrowed_by_parameters_and_by_filters_in_its_text(program: Program, session: Session) -> None:
    async def find(query: str) -> list[int]:
        answer = await program.get(f"/api/v1/search?q=window{query}")
        assert answer.status == 200, answer.body
        return [hit["sequence"] for item in answer.json["items"] for hit in item["hits"]]

    assert await find("") == [2, 3]
    assert await find("&agent=bob") == [2]
    assert await find("%20agent:bob") == [2]
    assert await find("&status=failed") == []
    assert await find("&from=2026-11-24") == []
    assert await find("&from=2026-11-24&tz=Asia/Tokyo") == [2, 3]
    assert await find("&to=2026-11-22") == []
    first = (await program.get("/api/v1/search?q=window&limit=1")).json
    assert await find(f"&cursor={first['next_cursor']}") == [3]


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("q=%20", "q"), ("q=status:asleep", "q"), ("q=" + "x" * 1001, "q"), ("q=x&tz=Mars", "tz"), ("q=x&w=1", "w")],
)
async def test_a_search_that_is_not_understood_is_refused(program: Program, query: str, field: str) -> None:
    answer = await program.get(f"/api/v1/search?{query}")
    assert (answer.status, answer.fields) == (422, [field])


async def test_usage_counts_the_days_of_the_zone(
    program: Program, store: SessionStore, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.api.searching.utc_now", lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
    usage = (await program.get("/api/v1/usage?days=3&tz=Asia/Tokyo")).json
    assert (usage["from"], usage["to"], usage["tz"]) == ("2026-11-22", "2026-11-24", "Asia/Tokyo")
    assert [day["messages"] for day in usage["days"]] == [{}, {}, {"ann": 2, "bob": 1}]
    assert usage["totals"]["messages"] == 3
    in_utc = (await program.get("/api/v1/usage?days=3&tz=UTC")).json
    assert [sum(day["messages"].values()) for day in in_utc["days"]] == [0, 3, 0]
    assert [agent["name"] for agent in usage["agents"]] == ["ann", "bob"]
    for query, field in (("days=0", "days"), ("days=100000", "days"), ("tz=Mars", "tz"), ("day=1", "day")):
        answer = await program.get(f"/api/v1/usage?{query}")
        assert (answer.status, answer.fields) == (422, [field])


async def test_a_session_is_exported_in_every_format_of_the_pages(program: Program, session: Session) -> None:
    assert [*Format] == [*FORMATS]
    for name, chosen in FORMATS.items():
        answer = await program.get(f"/api/v1/sessions/{session.session_id}/export?format={name}")
        assert (answer.status, answer.headers["content-type"]) == (200, chosen.content_type)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "空間" in answer.body.decode()
    lines = (await program.get(f"/api/v1/sessions/{session.session_id}/export")).body.splitlines()
    assert json.loads(lines[-1]) == {"chatlog": "end", "sessions": 1, "messages": 3}
    answer = await program.get(f"/api/v1/sessions/{session.session_id}/export?format=pdf")
    assert (answer.status, answer.fields) == (422, ["format"])
    assert (await program.get("/api/v1/sessions/nowhere/export")).status == 404


PATHS = ["sessions", "sessions/{}", "sessions/{}/messages", "sessions/{}/export", "search?q=window", "usage", "openapi.json"]


@pytest.mark.parametrize("path", [*PATHS, "sessions/nobody", "sessions?limit=0", "nowhere"])
async def test_head_is_answered_as_get_is_without_the_body(program: Program, session: Session, path: str) -> None:
    address = "/api/v1/" + path.format(session.session_id)
    got, head = [await program.send(method, address) for method in ("GET", "HEAD")]
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert (await program.send("HEAD", address, if_none_match=got.headers.get("etag", "none"))).status == (
        304 if "etag" in got.headers else got.status
    )


async def test_head_of_a_stream_begins_none(program: Program, session: Session) -> None:
    head = await program.send("HEAD", f"/api/v1/sessions/{session.session_id}/events")
    assert (head.status, head.headers["content-type"], head.body) == (200, "text/event-stream", b"")
    assert not streams.current.get()._streams
