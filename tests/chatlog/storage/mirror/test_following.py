"""Following a container: nothing is lost and nothing doubled, whoever is killed and whatever is made anew."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatlog.config import CosmosSettings
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, SessionStatus
from chatlog.errors import SessionDeleted, SessionNotFound, StorageFull
from chatlog.storage.cosmos import change_feed
from chatlog.storage.mirror import following
from chatlog.storage.mirror.following import Pace
from chatlog.storage.mirror.store import MirrorStore
from chatlog.storage.sqlite.messages import append_unknown
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.chatlog.storage.cosmos.test_seed_documents import SESSION_ID, seed_message, seed_session
from tests.chatlog.storage.mirror.conftest import OpenMirror, eventually, messages_of, mirrored, more_requests
from tests.chatlog.storage.mirror.foreign import AT, dotnet_document, dotnet_text, python_document, said, write
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container

REMARKS = 400
THREADS = ("a", "d", "e")  # of both physical partitions


@contextmanager
def follower(settings: CosmosSettings, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that follows; killed, not ended, unless it was before."""
    program = [sys.executable, "-m", "tests.chatlog.storage.mirror.follower_program"]
    process = subprocess.Popen([*program, settings.endpoint, settings.container_name, str(path)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def said_so_far(path: Path) -> dict[str, list[Message]]:
    """What is in a mirror's file, without a follower of our own."""
    async with SqliteSessionStore(path) as store:
        sessions = (await store.list_sessions(limit=1000)).items
        return {session.session_id: await messages_of(store, session.session_id) for session in sessions}


def count(said: dict[str, list[Message]]) -> int:
    return sum(map(len, said.values()))


def more_than(least: int) -> Callable[[dict[str, list[Message]]], bool]:
    return lambda said: count(said) > least


async def test_killed_followers_lose_nothing_and_double_nothing(
    double: Double, settings: CosmosSettings, container: Container, tmp_path: Path
) -> None:
    written = [python_document(said("user", str(number)), session_id=THREADS[number % 3]) for number in range(REMARKS)]
    write(container, *written[: REMARKS // 2])
    path = tmp_path / "mirror.sqlite3"
    for pages in (3, 7):  # killed between two pages
        hanging = double.inject("change_feed", "hang", skip=pages)
        with follower(settings, path):
            await asyncio.to_thread(hanging.began.wait, 10)
    assert 0 < count(await said_so_far(path)) < REMARKS // 2
    write(container, *written[REMARKS // 2 :])
    for _ in range(2):  # killed wherever it is
        before = count(await said_so_far(path))
        with follower(settings, path):
            await eventually(lambda: said_so_far(path), until=more_than(before))  # it is awaited here
    with follower(settings, path):
        everything = await eventually(lambda: said_so_far(path), until=more_than(REMARKS - 1))
    assert count(everything) == REMARKS
    for thread, messages in everything.items():
        assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
        assert [message.message_id for message in messages] == [
            document["id"] for document in written if document["session_id"] == thread
        ]


async def test_a_page_that_could_not_be_kept_is_read_again(
    open_mirror: OpenMirror, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = iter([True] * 3)

    def append(*values: Any) -> int:
        if next(full, False):
            raise StorageFull("The disk is full.")
        return append_unknown(*values)

    monkeypatch.setattr("chatlog.storage.mirror.applying.append_unknown", append)
    write(container, *(python_document(said("user", str(number))) for number in range(5)))
    mirror = open_mirror()
    found = await eventually(lambda: mirror.get_sessions(["thread-1"]), until=bool)
    assert found[0].message_count == 5


async def test_of_two_processes_one_follows_and_the_other_takes_over_when_it_is_killed(
    settings: CosmosSettings, container: Container, open_mirror: OpenMirror, tmp_path: Path
) -> None:
    write(container, python_document(said("user", "first")))
    path = tmp_path / "mirror.sqlite3"
    with follower(settings, path) as other:
        await eventually(lambda: said_so_far(path), until=more_than(0))
        mirror = open_mirror(path.name)
        await mirrored(mirror)
        write(container, python_document(said("assistant", "second")))
        await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
        other.kill()
        other.wait()
        write(container, python_document(said("assistant", "third")))
        found = await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 3)
    assert [message.content for message in found] == ["first", "second", "third"]


async def test_while_another_follows_the_feed_is_left_to_it(
    double: Double, open_mirror: OpenMirror, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(container, python_document(said("user", "first")))
    one, other = open_mirror(), open_mirror()
    reads: list[MirrorStore] = []
    await mirrored(one)
    looks = double.journal.requests["get colls"]
    monkeypatch.setattr(change_feed.ChangeFeed, "read", lambda self, _: reads.append(self) or nothing())
    await mirrored(other)
    await eventually(lambda: asyncio.sleep(0, len(reads)), until=lambda looked: looked > 10)
    assert len(set(map(id, reads))) == 1
    assert double.journal.requests["get colls"] > looks  # the other is there, and can reach the container itself


async def nothing():  # an empty feed
    for changes in ():
        yield changes


async def test_reading_leaves_the_agents_their_throughput(
    settings: CosmosSettings, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    class HastyAsyncio:
        """asyncio, with a clock that does not wait."""

        def __getattr__(self, name: str) -> Any:
            return getattr(asyncio, name)

        async def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0.01)

    monkeypatch.setattr(following, "asyncio", HastyAsyncio())
    monkeypatch.setattr(change_feed, "charge_of", lambda headers: 500.0)
    monkeypatch.setattr(change_feed, "MAX_PAGE_SIZE", 5)
    write(container, *(python_document(said("user", str(number))) for number in range(20)))
    async with MirrorStore(settings, tmp_path / "mirror.sqlite3", tuning=QUICK, pace=Pace()):
        pass
    assert pauses[:4] == [2.5] * 4  # 500 request units for each of four pages, at 200 a second


async def test_a_mirror_goes_on_where_it_was(
    open_mirror: OpenMirror, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(container, *(python_document(said("user", str(number))) for number in range(20)))
    async with open_mirror():
        pass
    write(container, python_document(said("user", "new")))
    read: list[str] = []

    def list_changes(physical: int, *, after: int) -> list[dict[str, Any]]:
        changes = Container.list_changes(container, physical, after=after)
        read.extend(document["id"] for document in changes)
        return changes

    monkeypatch.setattr(container, "list_changes", list_changes)
    async with open_mirror() as mirror:
        assert [m.content for m in await messages_of(mirror, "thread-1")] == [*map(str, range(20)), "new"]
    assert len(read) == 1


async def test_a_mirror_that_was_deleted_is_made_again(open_mirror: OpenMirror, container: Container, tmp_path: Path) -> None:
    write(container, *(python_document(said("user", str(number))) for number in range(5)))
    async with open_mirror() as mirror:
        before = await messages_of(mirror, "thread-1")
    (tmp_path / "mirror.sqlite3").unlink()
    async with open_mirror() as mirror:
        assert await messages_of(mirror, "thread-1") == before


async def test_a_container_that_was_made_anew_is_read_from_its_beginning(
    double: Double, settings: CosmosSettings, open_mirror: OpenMirror, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    write(container, python_document(said("user", "old")))
    mirror = open_mirror()
    await mirrored(mirror)
    del double.gateway.databases["tests"][settings.container_name]
    async with create_container(settings, unique_keys=False):
        again = double.gateway.databases["tests"][settings.container_name]
        write(again, python_document(said("user", "new"), session_id="thread-2"))
        await eventually(lambda: mirror.get_sessions(["thread-1", "thread-2"]), until=lambda found: len(found) == 2)
    assert any("was made anew" in text for text in caplog.messages)


async def test_a_document_that_changed_keeps_what_it_said_first(open_mirror: OpenMirror, container: Container) -> None:
    document = python_document(said("user", "first"))
    write(container, document)
    async with open_mirror() as mirror:
        changed = python_document(said("user", "rewritten"), id=document["id"])
        write(container, changed, python_document(said("assistant", "second")))
        found = await eventually(lambda: messages_of(mirror, "thread-1"), until=lambda found: len(found) == 2)
    assert [message.content for message in found] == ["first", "second"]


async def test_what_comes_in_one_read_is_ordered_by_its_own_numbers(open_mirror: OpenMirror, container: Container) -> None:
    for number in (3, 1, 2):
        write(container, seed_message(number, place=number))
        write(container, python_document(said("user", str(number)), sort_key=AT * 10**9 + number))
    write(container, *(dotnet_document("user", dotnet_text(text), session_id="c") for text in ("at", "the", "same")))
    write(container, dotnet_document("user", dotnet_text("earlier"), session_id="c", timestamp=AT - 9))
    async with open_mirror() as mirror:
        assert [m.content for m in await messages_of(mirror, SESSION_ID)] == ["提案 1", "提案 2", "提案 3"]
        assert [m.content for m in await messages_of(mirror, "thread-1")] == ["1", "2", "3"]
        assert [m.content for m in await messages_of(mirror, "conversation-1")] == ["earlier", "at", "the", "same"]


async def test_a_session_document_that_comes_after_its_messages_is_told_from_then_on(
    open_mirror: OpenMirror, container: Container
) -> None:
    write(container, seed_message(1, place=1))
    async with open_mirror() as mirror:
        derived = await mirror.get_session(SESSION_ID)
        assert (derived.task, derived.metadata["derived_from"]) == ("提案 1", "other")
        write(container, {**seed_session(), "title": "空間", "tags": ["a"]})
        told = await eventually(lambda: mirror.get_session(SESSION_ID), until=lambda session: session.title is not None)
    assert (told.task, told.title, told.tags) == (seed_session()["task"], "空間", ("a",))
    assert (told.message_count, told.metadata, told.status) == (1, {}, SessionStatus.COMPLETED)
    assert told.participants == ("creative_planner", "market_analyst")


async def test_a_session_that_its_own_chatlog_deletes_is_hidden_and_comes_back(
    open_mirror: OpenMirror, container: Container
) -> None:
    write(container, seed_session(), seed_message(1, place=1))
    async with open_mirror() as mirror:

        async def is_there() -> bool:
            try:
                await mirror.get_session(SESSION_ID)
            except SessionDeleted:
                return False
            return True

        write(container, {**seed_session(), "deleted_at": "2026-11-23T00:00:00.000000Z"})
        await eventually(is_there, until=lambda there: not there)
        write(container, {**seed_session(), "deleted_at": None})
        await eventually(is_there, until=lambda there: there)


# --- sessions without a document of their own


async def test_a_derived_session_has_its_task_from_the_first_person_who_speaks(
    open_mirror: OpenMirror, container: Container
) -> None:
    write(container, python_document(said("system", "You find names.")))
    async with open_mirror() as mirror:
        assert (await mirror.get_session("thread-1")).task == "You find names."
        write(container, python_document(said("user", "会議室の予約を簡単にする製品の名前" * 40)))
        session = await eventually(lambda: mirror.get_session("thread-1"), until=lambda session: session.message_count == 2)
        write(container, python_document(said("user", "Another question")))
        later = await eventually(lambda: mirror.get_session("thread-1"), until=lambda session: session.message_count == 3)
    assert session.task.startswith("会議室の予約を簡単にする製品の名前")
    assert len(session.task) == 300
    assert session.task.endswith("…")
    assert later.task == session.task
    assert session.participants == ("system", "user")
    assert session.created_at == datetime.fromtimestamp(AT, UTC)
    assert session.metadata["history_provider"] == "azure_cosmos_history"


async def test_a_derived_session_is_over_after_an_hour_of_silence_and_goes_on_when_somebody_speaks(
    open_mirror: OpenMirror, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    old, new = (int((now - timedelta(minutes=ago)).timestamp()) * 10**9 for ago in (61, 1))
    write(container, python_document(said("user", "old"), session_id="old", sort_key=old))
    write(container, python_document(said("user", "new"), session_id="new", sort_key=new))
    async with open_mirror() as mirror:
        assert (await mirror.get_session("old")).status is SessionStatus.COMPLETED
        assert (await mirror.get_session("new")).status is SessionStatus.ACTIVE
        write(container, python_document(said("user", "again"), session_id="old", sort_key=int(now.timestamp()) * 10**9))
        await eventually(lambda: mirror.get_session("old"), until=lambda session: session.status is SessionStatus.ACTIVE)
        monkeypatch.setattr("chatlog.storage.mirror.following.OVER_AFTER", timedelta(seconds=30))
        await eventually(lambda: mirror.get_session("new"), until=lambda session: session.status is SessionStatus.COMPLETED)
        assert (await mirror.get_session("old")).status is SessionStatus.ACTIVE


async def test_a_silent_session_with_a_document_is_not_called_over(
    double: Double, open_mirror: OpenMirror, container: Container
) -> None:
    write(container, seed_message(1, place=1), {**seed_session(), "status": "active"})
    async with open_mirror() as mirror:
        await more_requests(double, "get colls")  # so many rounds of care
        assert (await mirror.get_session(SESSION_ID)).status is SessionStatus.ACTIVE


async def test_a_session_nobody_has_heard_of_is_not_there(open_mirror: OpenMirror) -> None:
    async with open_mirror() as mirror:
        with pytest.raises(SessionNotFound):
            await mirror.get_session("nobody")
