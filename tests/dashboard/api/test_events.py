"""A session followed as server-sent events: every message once, in order, from any place on; and how a stream ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chatlog.domain.models import Session, SessionStatus
from chatlog.errors import StorageUnavailable
from chatlog.services import pausing
from chatlog.storage.base import SessionStore
from dashboard.api import streams
from dashboard.feeds import hub, tail
from dashboard.models import ApiToken
from dashboard.programs import tokens
from dashboard.programs.handler import BrokenOff
from dashboard.stores import get_store, use_store
from tests.dashboard.doubles import MemoryStore
from tests.dashboard.programs.program import Program
from tests.factories import make_drafts, make_session


@pytest.fixture
async def session(store: SessionStore) -> Session:
    return await store.create_session(make_session())


class Events:
    """What a program makes of a stream."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.sequences: list[int] = []
        self.sessions: list[dict[str, Any]] = []
        self.end = ""

    async def read(self, *, up_to: int = -1) -> list[int]:
        """Read on until message `up_to` has come, or to the end."""
        while up_to not in self.sequences and not self.end:
            self._rest += await anext(self._pieces)
            *whole, self._rest = self._rest.split(b"\n\n")
            for event in whole:
                self._take(event)
        return self.sequences

    async def read_session(self, *, status: str) -> None:
        while not self.sessions or self.sessions[-1]["status"] != status:
            self._rest += await anext(self._pieces)
            *whole, self._rest = self._rest.split(b"\n\n")
            for event in whole:
                self._take(event)

    def _take(self, event: bytes) -> None:
        fields = dict(line.split(": ", 1) for line in event.decode().split("\n") if not line.startswith(":"))
        data = json.loads(fields["data"]) if "data" in fields else {}
        match fields.get("event", "message"):
            case "session":
                self.sessions.append(data)
            case "end":
                self.end = data["reason"]
            case _ if data:
                assert data["sequence"] == int(fields["id"])
                self.sequences.append(data["sequence"])


@asynccontextmanager
async def follow(program: Program, session: Session, query: str = "", **headers: str) -> AsyncIterator[Events]:
    async with program.open("GET", f"/api/v1/sessions/{session.session_id}/events{query}", **headers) as opened:
        status, answered, pieces = opened
        assert (status, answered["content-type"]) == (200, "text/event-stream")
        yield Events(pieces)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # it watches the inside of others, who tell nobody
            await asyncio.sleep(0.01)


async def no_stream_is_left() -> None:
    await until(lambda: not streams.current.get()._streams and not hub.current.get()._tails)
    assert not streams.current.get()._per_token


async def test_what_is_stored_comes_first_and_then_what_is_said_without_a_gap(
    program: Program, store: SessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(300))
    async with follow(program, session) as stream:
        assert await stream.read(up_to=300) == list(range(1, 301))
        assert stream.sessions[0]["session_id"] == session.session_id
        for number in range(301, 311):
            await store.append_messages(session.session_id, make_drafts(1))
            assert await stream.read(up_to=number) == list(range(1, number + 1))
    await no_stream_is_left()


@pytest.mark.parametrize("signals", ["work", "lost"])
async def test_every_message_comes_once_while_many_write(
    program: Program, store: SessionStore, session: Session, signals: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if signals == "lost":
        monkeypatch.setattr(hub.Hub, "_on_hint", lambda *_: None)
        monkeypatch.setattr(tail, "POLL_SECONDS", 0.05)
    async with follow(program, session) as stream:

        async def write() -> None:
            for _ in range(25):
                await store.append_messages(session.session_id, make_drafts(2))

        writing = asyncio.gather(*(write() for _ in range(4)))
        assert await stream.read(up_to=200) == list(range(1, 201))
        await writing


async def test_a_stream_goes_on_after_the_last_event_that_was_received(
    program: Program, store: SessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, make_drafts(120))
    async with follow(program, session, "?after=100") as stream:
        assert await stream.read(up_to=120) == list(range(101, 121))
    async with follow(program, session, "?after=100", last_event_id="115") as stream:
        assert await stream.read(up_to=120) == list(range(116, 121))
    async with follow(program, session, last_event_id="121") as stream:  # it knows more than this process does so far
        await store.append_messages(session.session_id, make_drafts(3))
        assert await stream.read(up_to=123) == [122, 123]


async def test_many_readers_cost_one_read_for_each_message(program: Program, user: object) -> None:
    memory = MemoryStore(messages=20)
    with use_store(memory):
        async with asyncio.TaskGroup() as tasks:
            ready, go_on = asyncio.Semaphore(0), asyncio.Event()

            async def watch() -> None:
                async with follow(program, memory.session) as stream:
                    await stream.read(up_to=20)
                    ready.release()
                    await go_on.wait()
                    assert await stream.read(up_to=21) == list(range(1, 22))

            for _ in range(30):
                tasks.create_task(watch())
            for _ in range(30):
                await ready.acquire()
            before = memory.reads
            memory.say()
            hub.current.get()._on_hint(memory.session.session_id)
            go_on.set()
        assert memory.reads - before < 10
    await hub.current.get().close()


async def test_a_change_of_the_session_is_told(
    program: Program, store: SessionStore, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "READ_AGAIN_SECONDS", 0)
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.05)
    async with follow(program, session) as stream:
        await stream.read_session(status="active")
        await store.update_session(session.session_id, status=SessionStatus.COMPLETED)
        await stream.read_session(status="completed")
        await store.append_messages(session.session_id, make_drafts(1))
        hub.current.get()._on_hint(session.session_id)
        assert await stream.read(up_to=1) == [1]
        await store.delete_session(session.session_id)
        hub.current.get()._on_hint(session.session_id)
        await stream.read()
        assert stream.end == "deleted"
    await no_stream_is_left()


@pytest.mark.parametrize(
    "change",
    [{"revoked_at": "2026-11-24T00:00:00Z"}, {"expires_at": "2026-11-23T00:00:00Z"}, {"may_read": False}],
    ids=["revoked", "expired", "narrowed"],
)
async def test_a_token_that_may_not_read_any_more_ends_its_streams_and_no_other(
    program: Program, make_program: Any, session: Session, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)
    other = await make_program()
    async with follow(program, session) as stream, follow(other, session) as staying:
        await stream.read_session(status="active")
        await staying.read_session(status="active")
        await ApiToken.objects.filter(token_hash=tokens.hash_token(program.token)).aupdate(**change)
        await stream.read()
        assert stream.end == "revoked"
        await get_store().append_messages(session.session_id, make_drafts(1))
        assert (await staying.read(up_to=1), staying.end) == ([1], "")


def test_a_revoked_token_is_noticed_in_time() -> None:
    assert streams.CHECK_SECONDS < 5


async def test_streams_end_when_the_server_stops_and_none_begins(program: Program, session: Session) -> None:
    async with follow(program, session) as stream:
        await stream.read_session(status="active")
        streams.current.get().close_all()
        await stream.read()
        assert stream.end == "the server stops"
    answer = await program.get(f"/api/v1/sessions/{session.session_id}/events")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_there_are_only_so_many_streams(
    program: Program, make_program: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_PER_TOKEN", 1)
    other = await make_program()
    async with follow(program, session) as stream:
        await stream.read_session(status="active")
        answer = await program.get(f"/api/v1/sessions/{session.session_id}/events")
        assert answer.status == 429
        async with follow(other, session) as second:
            await second.read_session(status="active")
    await no_stream_is_left()
    async with follow(program, session) as stream:
        await stream.read_session(status="active")


async def test_silence_is_broken_now_and_then(program: Program, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)
    async with program.open("GET", f"/api/v1/sessions/{session.session_id}/events") as (_, _, pieces):
        async for piece in pieces:
            if piece == b": still there\n\n":
                break


async def test_a_store_that_is_away_for_a_moment_ends_nothing(
    program: Program, user: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "RETRY_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.02)
    memory = MemoryStore(messages=3)
    with use_store(memory):
        async with follow(program, memory.session) as stream:
            await stream.read(up_to=3)
            memory.fault = StorageUnavailable("asleep")
            memory.say()
            await asyncio.sleep(0.1)
            memory.fault = None
            assert await stream.read(up_to=4) == [1, 2, 3, 4]
    await hub.current.get().close()


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [("?after=-1", None, 422), ("?after=x", None, 422), ("", "x", 422), ("", "1" * 17, 422), ("?aftr=1", None, 422)],
)
async def test_a_cursor_that_cannot_be_is_refused(
    program: Program, session: Session, query: str, header: str | None, status: int
) -> None:
    headers = {} if header is None else {"last_event_id": header}
    answer = await program.get(f"/api/v1/sessions/{session.session_id}/events{query}", **headers)
    assert answer.status == status
    assert answer.fields


async def test_there_is_nothing_to_follow_where_no_session_is(program: Program) -> None:
    assert (await program.get("/api/v1/sessions/nowhere/events")).status == 404


async def test_only_the_newest_events_are_kept(store: SessionStore, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "KEPT_EVENTS", 10)
    await store.append_messages(session.session_id, make_drafts(30))
    followed = hub.current.get().follow_session(session.session_id, woken := asyncio.Event())
    await woken.wait()
    await until(lambda: followed.cursor == 30)
    assert [sequence for sequence, _ in followed._events] == list(range(21, 31))
    piece = await followed.take(after=5, to_read=50)
    assert piece.last == 30
    assert piece.data.count(b"id: ") == 25
    monkeypatch.setattr(tail, "PIECE_BYTES", 1)
    assert (await followed.take(after=25)).last == 26
    assert await followed.take(after=30) is None
    hub.current.get().unfollow_session(followed, woken)


async def test_only_what_is_sent_is_made_and_more_is_read_only_while_messages_are_small(
    store: SessionStore, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append_messages(session.session_id, make_drafts(6, content="x" * tail.PIECE_BYTES))
    await store.append_messages(session.session_id, make_drafts(40))
    monkeypatch.setattr(tail, "KEPT_EVENTS", 1)
    followed = hub.current.get().follow_session(session.session_id, woken := asyncio.Event())
    await until(lambda: followed.cursor == 46)
    made: list[int] = []
    event = tail._event
    monkeypatch.setattr(tail, "_event", lambda message: (made.append(message.sequence), event(message))[1])
    piece, reads = tail.Piece(b"", last=0), []
    while piece.last < 46:
        reads.append(piece.next_read)
        piece = await followed.take(after=piece.last, to_read=piece.next_read)
    assert reads == [4, 2, 2, 2, 2, 2, 2, 4, 8, 16, 32]
    assert len(made) == 46 + 6  # behind each large one, one was made that did not fit
    hub.current.get().unfollow_session(followed, woken)


@pytest.mark.parametrize("why", ["not read", "revoked"])
async def test_a_reader_that_does_not_read_is_cut_off(
    program: Program, store: SessionStore, session: Session, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard.asgi import application

    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "STUCK_SECONDS", 0.1 if why == "not read" else 30)
    await store.append_messages(session.session_id, make_drafts(100))
    is_stuck = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if b"id: " in message.get("body", b""):
            is_stuck.set()
            await asyncio.sleep(3600)

    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    received.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    scope = program.scope("GET", f"/api/v1/sessions/{session.session_id}/events", {})
    reading = asyncio.create_task(application(scope, received.get, send))
    await is_stuck.wait()
    if why == "revoked":
        await ApiToken.objects.aupdate(revoked_at="2026-11-24T00:00:00Z")
    with pytest.raises(BrokenOff, match="did not take what it was sent"):
        await asyncio.wait_for(reading, 5)
    await no_stream_is_left()
