"""Following on the embedded store and on a Cosmos DB server: each message once, in order, without a hole, to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatlog import Recorder, SessionNotFound, SessionStatus, SessionStore, StorageUnavailable
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, Session
from chatlog.errors import StorageDenied
from chatlog.services import following, pausing
from chatlog.services.following import Begun, Ended, Event, Events, Said, Trouble, find_start, follow_session
from chatlog.services.following_all import follow_all
from tests.contract.conftest import STORES
from tests.factories import make_draft, make_drafts, make_session


@pytest.fixture(params=["sqlite", "cosmos-double"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(pausing, "RETRY_SECONDS", (0.01, 0.02))


class Wrapped:
    """A store of which a test replaces a method."""

    def __init__(self, store: SessionStore, **methods: Callable[..., Any]) -> None:
        self._store, self._methods = store, methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._store, name)


async def collect(events: Events, *, until: Callable[[list[Event]], bool] = lambda _: False) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(20), aclosing(events):
        async for event in events:
            found.append(event)
            if until(found):
                break
    return found


def said(events: list[Event], session: Session | None = None) -> list[int]:
    wanted = None if session is None else session.session_id
    return [one.message.sequence for one in events if isinstance(one, Said) and wanted in {None, one.message.session_id}]


def ends(events: list[Event]) -> list[tuple[str, SessionStatus | None]]:
    return [(one.session.session_id, one.status) for one in events if isinstance(one, Ended)]


async def test_a_discussion_is_told_once_and_in_order_while_it_is_held(store: SessionStore) -> None:
    async with Recorder(store, task="Live") as recorder:
        following_it = asyncio.create_task(collect(follow_session(store, recorder.session_id)))
        for size in (1, 250, 3, 400, 1):
            await recorder.save_many(make_drafts(size))
            await asyncio.sleep(0)
    events = await following_it
    assert said(events) == list(range(1, 656))
    assert isinstance(events[0], Begun)
    assert ends(events) == [(recorder.session_id, SessionStatus.COMPLETED)]


@pytest.mark.parametrize("after", [100, 450])
async def test_an_end_is_told_after_everything_that_was_said_before_it(after: int, store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(450))

    async def get_session(session_id: str) -> Session:
        if (await store.get_session(session_id)).status is SessionStatus.ACTIVE:  # the last word, and then the end
            await store.append_messages(session_id, [make_draft()])
            await store.update_session(session_id, status=SessionStatus.FAILED)
        return await store.get_session(session_id)

    events = await collect(follow_session(Wrapped(store, get_session=get_session), session.session_id, after=after))
    assert said(events) == list(range(after + 1, 452))
    assert [type(event) for event in events[-2:]] == [Said, Ended]


async def test_it_begins_after_a_cursor_or_some_messages_before_the_end(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(30))
    until_quiet = follow_session(store, session.session_id, after=25, until_quiet=True)
    assert said(await collect(until_quiet)) == [26, 27, 28, 29, 30]
    assert await find_start(store, session.session_id, last=4) == 26
    assert await find_start(store, session.session_id, last=1000) == 0


async def test_no_message_is_told_before_the_one_that_is_missing(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(5))
    reads = 0

    async def list_messages(session_id: str, **options: Any) -> list[Message]:
        nonlocal reads
        reads += 1
        found = await store.list_messages(session_id, **options)
        return [message for message in found if reads > 3 or message.sequence != 3]

    events = await collect(
        follow_session(Wrapped(store, list_messages=list_messages), session.session_id),
        until=lambda found: len(said(found)) == 5,
    )
    assert said(events) == [1, 2, 3, 4, 5]
    assert next(one.reason for one in events if isinstance(one, Trouble)).endswith("has message 4, and not yet 3.")


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost_or_doubled(store: SessionStore) -> None:
    calls = 0

    def troubled(name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if 3 <= calls <= 8:
                raise StorageUnavailable("The store is away.")
            return await getattr(store, name)(*arguments, **options)

        return call

    async with Recorder(store, task="Troubled") as recorder:
        await recorder.save_many(make_drafts(300))
        wrapped = Wrapped(store, **{name: troubled(name) for name in ("get_session", "list_messages", "wait_for_change")})
        following_it = asyncio.create_task(collect(follow_session(wrapped, recorder.session_id)))
        await asyncio.sleep(0.1)
        await recorder.save_many(make_drafts(300))
    events = await following_it
    assert said(events) == list(range(1, 601))
    assert [one.reason for one in events if isinstance(one, Trouble)] == ["The store is away.", ""]


async def test_a_store_that_never_answers_is_told_as_trouble(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "READ_SECONDS", 0.05)
    session = await store.create_session(make_session())

    async def get_session(_: str) -> Session:
        await asyncio.sleep(60)
        raise AssertionError

    events = await collect(follow_session(Wrapped(store, get_session=get_session), session.session_id), until=bool)
    assert events == [Trouble("The store has not answered within 0.05 s.")]


async def test_what_waiting_does_not_mend_is_raised(store: SessionStore) -> None:
    async def get_session(_: str) -> Session:
        raise StorageDenied("Not for you.")

    with pytest.raises(StorageDenied):
        await collect(follow_session(Wrapped(store, get_session=get_session), "any"))
    with pytest.raises(SessionNotFound):
        await collect(follow_session(store, "nobody"))


async def test_a_session_made_anew_under_its_id_is_told_from_its_beginning(tmp_path: Path) -> None:
    async with STORES["sqlite"](tmp_path / "one") as one, STORES["sqlite"](tmp_path / "two") as two:
        for store, count in ((one, 3), (two, 2)):
            await store.create_session(make_session(session_id="same"))
            await store.append_messages("same", make_drafts(count))
        shown = one

        class Shown:
            def __getattr__(self, name: str) -> Any:
                return getattr(shown, name)

        events: list[Event] = []
        async with asyncio.timeout(20), aclosing(follow_session(Shown(), "same")) as followed:
            async for event in followed:
                events.append(event)
                if len(said(events)) == 3:
                    shown = two
                if len(said(events)) == 5:
                    break
    assert said(events) == [1, 2, 3, 1, 2]
    assert sum(isinstance(event, Begun) for event in events) == 2


async def test_all_that_go_on_are_told_from_now_on_and_new_ones_from_their_beginning(store: SessionStore) -> None:
    old, over = [await store.create_session(make_session()) for _ in range(2)]
    await store.append_messages(old.session_id, make_drafts(9))
    await store.append_messages(over.session_id, make_drafts(3))
    await store.update_session(over.session_id, status=SessionStatus.COMPLETED)
    begun = asyncio.Event()

    async def follow() -> list[Event]:
        def tell(found: list[Event]) -> bool:
            begun.set()
            return len(ends(found)) == 2

        return await collect(follow_all(store, last=2), until=tell)

    following_them = asyncio.create_task(follow())
    await begun.wait()
    async with Recorder(store, task="New") as new:
        await store.append_messages(old.session_id, make_drafts(1))
        await new.save_many(make_drafts(3))
        await store.append_messages(old.session_id, make_drafts(1))
    await store.update_session(old.session_id, status=SessionStatus.FAILED)
    events = await following_them
    assert said(events, old) == [8, 9, 10, 11]
    assert said(events, await store.get_session(new.session_id)) == [1, 2, 3]
    assert set(ends(events)) == {(old.session_id, SessionStatus.FAILED), (new.session_id, SessionStatus.COMPLETED)}


async def test_a_discussion_that_began_and_ended_between_two_looks_is_told_whole(store: SessionStore) -> None:
    looked = 0

    async def wait_for_change(**_: float) -> bool:
        nonlocal looked
        looked += 1
        if looked == 2:
            for _number in range(60):  # more than one page of the newest
                async with Recorder(store, task="Short") as recorder:
                    await recorder.save(source="a", content="all there is")
        return True

    wrapped = Wrapped(store, wait_for_change=wait_for_change)
    events = await collect(follow_all(wrapped), until=lambda found: len(ends(found)) == 60)
    assert said(events) == [1] * 60
    assert len({one.message.session_id for one in events if isinstance(one, Said)}) == 60


async def test_counts_that_were_left_behind_by_a_killed_writer_hide_nothing_and_tell_nothing_old(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, make_drafts(5))

    async def list_sessions(**options: Any) -> Any:
        page = await store.list_sessions(**options)
        stale = tuple(replace(one, message_count=0, last_message_at=None) for one in page.items)
        return replace(page, items=stale)

    events = await collect(
        follow_all(Wrapped(store, list_sessions=list_sessions), last=2), until=lambda found: len(said(found)) == 2
    )
    assert said(events) == [4, 5]


async def test_to_begin_nothing_is_asked_about_the_silent_and_one_thing_about_each_that_speaks(store: SessionStore) -> None:
    long_ago = utc_now() - timedelta(hours=1)
    silent, speaking = [[await store.create_session(make_session(created_at=at)) for _ in range(3)] for at in (long_ago, None)]
    for session in silent:
        await store.append_messages(session.session_id, make_drafts(2, timestamp=long_ago))
    for session in speaking:
        await store.append_messages(session.session_id, make_drafts(2))
    asked: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        async def call(session_id: str, **options: Any) -> Any:
            asked.append(session_id)
            return await getattr(store, name)(session_id, **options)

        return call

    # A count may lag behind by a second or so, and by as much what is listed.
    async with asyncio.timeout(20):
        while {one.message_count for one in (await store.list_sessions()).items} != {2}:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)
    names = ("get_session", "list_messages", "get_last_sequence", "list_messages_before")
    wrapped = Wrapped(store, **{name: noted(name) for name in names})
    events = await collect(follow_all(wrapped, until_quiet=True))
    assert [type(event) for event in events] == [Begun] * 6
    assert sorted(asked) == sorted(session.session_id for session in speaking)


async def test_a_discussion_with_a_hole_does_not_hold_up_the_others(store: SessionStore) -> None:
    broken, whole = [await store.create_session(make_session()) for _ in range(2)]
    for session in (broken, whole):
        await store.append_messages(session.session_id, make_drafts(5))

    async def list_messages(session_id: str, **options: Any) -> list[Message]:
        found = await store.list_messages(session_id, **options)
        return [message for message in found if session_id == whole.session_id or message.sequence != 3]

    has_gone_on = False

    async def wait_for_change(**_: float) -> bool:
        nonlocal has_gone_on
        if not has_gone_on:
            await store.append_messages(whole.session_id, [make_draft()])
        has_gone_on = True
        return True

    wrapped = Wrapped(store, list_messages=list_messages, wait_for_change=wait_for_change)
    events = await collect(follow_all(wrapped, last=5), until=lambda found: len(said(found)) == 8)
    assert said(events, broken) == [1, 2]
    assert said(events, whole) == [1, 2, 3, 4, 5, 6]


async def test_a_deleted_discussion_is_followed_no_more(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    await store.append_messages(session.session_id, [make_draft()])
    is_deleted = False

    async def wait_for_change(**_: float) -> bool:
        nonlocal is_deleted
        if not is_deleted:
            await store.delete_session(session.session_id)
        is_deleted = True
        return True

    events = await collect(follow_all(Wrapped(store, wait_for_change=wait_for_change)), until=lambda found: bool(ends(found)))
    assert ends(events) == [(session.session_id, None)]


@pytest.mark.parametrize("is_followed", [False, True])
async def test_one_that_is_deleted_between_the_list_and_the_reading_does_not_end_the_others(
    *, is_followed: bool, store: SessionStore
) -> None:
    doomed, other = [await store.create_session(make_session()) for _ in range(2)]
    for session in (doomed, other):
        await store.append_messages(session.session_id, [make_draft()])
    looks = 0

    async def list_sessions(**options: Any) -> Any:
        nonlocal looks
        looks += "where" in options
        if "where" not in options or looks != 1 + is_followed:
            return await store.list_sessions(**options)
        for session in (doomed, other):
            await store.append_messages(session.session_id, [make_draft()])
        page = await store.list_sessions(**options)
        await store.delete_session(doomed.session_id)
        return page

    async def list_messages(session_id: str, **options: Any) -> list[Message]:
        await store.get_session(session_id)  # where the store is a site, it says that there is no such session
        return await store.list_messages(session_id, **options)

    events = await collect(
        follow_all(Wrapped(store, list_sessions=list_sessions, list_messages=list_messages), last=2),
        until=lambda found: len(said(found, other)) + len(ends(found)) == 2 + is_followed,
    )
    assert said(events, doomed) == ([1] if is_followed else [])
    assert ends(events) == ([(doomed.session_id, None)] if is_followed else [])


async def test_remarks_of_several_discussions_come_as_they_were_said(store: SessionStore) -> None:
    sessions = [await store.create_session(make_session()) for _ in range(3)]
    for _ in range(4):
        for session in sessions:
            await store.append_messages(session.session_id, [make_draft()])
    events = await collect(follow_all(store, last=10, until_quiet=True))
    times = [one.message.timestamp for one in events if isinstance(one, Said)]
    assert len(times) == 12
    assert times == sorted(times)


async def test_a_failed_look_at_all_changes_nothing(store: SessionStore) -> None:
    session = await store.create_session(make_session())
    other = await store.create_session(make_session())
    reads = 0

    async def list_messages(session_id: str, **options: Any) -> list[Message]:
        nonlocal reads
        reads += 1
        if reads % 2 == 0 and reads < 9:  # the first session was read, the second fails
            raise StorageUnavailable("The store is away.")
        return await store.list_messages(session_id, **options)

    for one in (session, other):
        await store.append_messages(one.session_id, make_drafts(5))
    with suppress(TimeoutError):
        events = await collect(
            follow_all(Wrapped(store, list_messages=list_messages), last=9), until=lambda found: len(said(found)) == 10
        )
    assert said(events, session) == said(events, other) == [1, 2, 3, 4, 5]
