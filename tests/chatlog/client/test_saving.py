"""At once where nothing waits and the site answers; else through the queue, behind everything that waits."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
from pathlib import Path

import pytest

from chatlog import (
    IdempotencyConflict,
    InvalidInput,
    Recorder,
    SessionExists,
    SessionNotFound,
    SessionStatus,
    StorageUnavailable,
)
from chatlog.client import QueueLimits, RemoteStore, http, saving
from chatlog.domain.filters import SessionFilter
from chatlog.errors import ItemTooLarge, StorageDenied, StorageFull, StorageReadOnly, StoreClosed
from tests.chatlog.client.conftest import OpenRemote, all_sent
from tests.chatlog.client.fake_site import TOKEN, FakeSite, Order, fake_site, hang_up, page, problem
from tests.factories import make_draft, make_drafts, make_session

AWAY = page(502, "Bad gateway")


async def test_what_the_site_takes_has_its_number_and_touches_no_disk(store: RemoteStore, fake: FakeSite) -> None:
    async with Recorder(store, task="t") as session:
        numbers = [(await session.save(source="a", content=str(number))).sequence for number in range(3)]
    assert numbers == [1, 2, 3]
    assert fake.sessions[session.session_id]["status"] == "completed"
    assert not store.queue.exists()
    assert {headers["Authorization"] for headers in fake.headers} == {f"Bearer {TOKEN}"}


async def test_a_discussion_held_while_the_site_is_away_is_there_when_it_is_back(store: RemoteStore, fake: FakeSite) -> None:
    fake.always = AWAY
    async with Recorder(store, task="offline", title="T", tags=["x"], participants=["a"]) as session:
        numbers = [(await session.save(source="a", content=str(number))).sequence for number in range(5)]
        assert (await store.get_session(session.session_id)).task == "offline"
    ended = await store.get_session(session.session_id)
    assert (numbers, ended.status) == ([0] * 5, SessionStatus.COMPLETED)
    fake.always = None
    await all_sent(store)
    assert fake.said(session.session_id) == ["0", "1", "2", "3", "4"]
    begun = fake.sessions[session.session_id]
    assert (begun["task"], begun["title"], begun["tags"], begun["status"]) == ("offline", "T", ["x"], "completed")


async def test_what_comes_later_does_not_overtake_what_waits_and_goes_at_once_afterwards(
    store: RemoteStore, fake: FakeSite
) -> None:
    session = await store.create_session(make_session())
    fake.always = AWAY
    for number in range(3):
        (queued,) = await store.append_messages(session.session_id, [make_draft(content=str(number))])
        assert queued.sequence == 0
    tried = [sent[0]["content"] for _, path, sent in fake.asked if path.endswith("/messages")]
    assert set(tried) == {"0"}, "a later one was tried before the first had got through"
    fake.always = None
    await all_sent(store)
    (last,) = await store.append_messages(session.session_id, [make_draft(content="3")])
    assert last.sequence == 4
    assert fake.said(session.session_id) == ["0", "1", "2", "3"]


async def test_whoever_saves_in_a_loop_gets_numbers_again_soon_after_the_site_is_back(
    store: RemoteStore, fake: FakeSite
) -> None:
    session = await store.create_session(make_session())
    fake.always = AWAY
    await store.append_messages(session.session_id, make_drafts(500))
    fake.always = None
    numbers = [0]
    while numbers[-1] == 0 and len(numbers) < 300:
        numbers.append((await store.append_messages(session.session_id, [make_draft()]))[0].sequence)
    assert numbers[-1] == 500 + len(numbers) - 1
    assert len(fake.said(session.session_id)) == numbers[-1]


async def test_programs_that_share_a_queue_all_get_numbers_again_soon_after_a_far_site_is_back(
    open_remote: OpenRemote, fake: FakeSite
) -> None:
    stores = [open_remote(fake) for _ in range(3)]
    sessions = [(await store.create_session(make_session())).session_id for store in stores]
    fake.always = AWAY
    numbers: dict[str, list[int]] = {session_id: [] for session_id in sessions}

    async def say(store: RemoteStore, session_id: str) -> None:
        while not all(map(any, numbers.values())) and len(numbers[session_id]) < 100:
            (message,) = await store.append_messages(session_id, [make_draft()])
            numbers[session_id].append(message.sequence)
            await asyncio.sleep(0.005)

    talks = [asyncio.create_task(say(*each)) for each in zip(stores, sessions, strict=True)]
    await fake.was_asked(8)
    fake.always, fake.far = None, 0.05  # so that something is always said before what waits is through
    await asyncio.gather(*talks)
    assert all(map(any, numbers.values())), numbers


@pytest.mark.parametrize(
    "trouble", [AWAY, hang_up, problem(503), problem(429, Retry_After="60"), page(200), page(302), page(403)]
)
async def test_whatever_keeps_the_site_from_answering_keeps_the_remark_in_the_queue(
    store: RemoteStore, fake: FakeSite, trouble: object
) -> None:
    session = await store.create_session(make_session())
    fake.always = trouble  # type: ignore[assignment]
    (message,) = await store.append_messages(session.session_id, [make_draft(content="kept")])
    assert (message.sequence, message.content) == (0, "kept")
    assert (await store.get_backlog()).waiting == 1
    assert fake.said(session.session_id) == []


async def test_nobody_there_at_all_keeps_it_too(open_remote: OpenRemote, fake: FakeSite) -> None:
    fake.address = "http://127.0.0.1:1"
    store = open_remote(fake)
    async with Recorder(store, task="t") as session:
        assert (await session.save(source="a", content="x")).sequence == 0
    assert (await store.get_backlog()).waiting == 3
    with pytest.raises(StorageUnavailable, match=r"^http://127\.0\.0\.1:1 cannot be reached: Connection refused\.$"):
        await store.ping()


async def test_a_site_that_does_not_answer_in_time_is_away(open_remote: OpenRemote) -> None:
    connections: list[asyncio.Task[None] | None] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        site = FakeSite()
        site.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        store = open_remote(site, request_seconds=0.05)
        await store.create_session(make_session())
        assert (await store.get_backlog()).waiting == 1
        with pytest.raises(StorageUnavailable, match=r"did not answer within 0\.05 s"):
            await store.list_sessions()
        await store.aclose()
        await asyncio.gather(*filter(None, connections))


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        '{"sequence": 1, "message_id": "mine"}',
        '[{"sequence": 1, "message_id": "other"}]',
        '[{"sequence": 0, "message_id": "mine"}]',
        '[{"message_id": "mine"}]',
        '[{"sequence": "1", "message_id": "mine"}]',
        '[["mine"]]',
        "null",
        "no json",
    ],
)
async def test_only_an_answer_that_numbers_what_was_sent_acknowledges_it(
    store: RemoteStore, fake: FakeSite, answer: str
) -> None:
    session = await store.create_session(make_session())
    fake.orders.append(page(201, answer))
    fake.always = AWAY
    (message,) = await store.append_messages(session.session_id, [make_draft(message_id="mine")])
    assert message.sequence == 0
    assert (await store.get_backlog()).waiting == 1


async def test_an_answer_about_another_session_is_none(store: RemoteStore, fake: FakeSite) -> None:
    other = await store.create_session(make_session())
    fake.orders.append(page(201, json.dumps(fake.sessions[other.session_id])))
    fake.always = AWAY
    session = await store.create_session(make_session())
    assert session.session_id != other.session_id
    assert (await store.get_backlog()).waiting == 1


async def test_a_site_that_wants_a_moment_gets_it_from_writers_and_readers(store: RemoteStore, fake: FakeSite) -> None:
    fake.orders.append(problem(429, Retry_After="1"))
    session = await store.create_session(make_session())
    fake.orders.extend([problem(429, Retry_After="1")] * 2)
    assert (await store.list_sessions()).items == (session,)
    assert [method for method, *_ in fake.asked] == ["POST"] * 2 + ["GET"] * 3
    assert not store.queue.exists()


async def test_a_site_that_wants_more_than_a_moment_is_away(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PATIENCE_SECONDS", 1.5)
    for answers, asked in (([problem(429, Retry_After="2")], 1), ([problem(429, Retry_After="1")] * 2, 2)):
        fake.orders.extend(answers)
        fake.asked.clear()
        with pytest.raises(StorageUnavailable):
            await store.list_sessions()
        assert len(fake.asked) == asked


async def test_a_connection_that_was_closed_meanwhile_is_not_a_site_that_is_away(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    fake.orders.append(hang_up)
    (message,) = await store.append_messages(session.session_id, [make_draft()])
    assert (message.sequence, store.queue.exists()) == (1, False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(404, "x", {"field": "session_id"}), SessionNotFound),
        (problem(409, "x", {"field": "[0].message_id", "value": "m"}), IdempotencyConflict),
        (problem(422, "x", {"field": "[0].timestamp", "message": "is ahead."}), InvalidInput),
        (page(413), ItemTooLarge),
        (problem(403), StorageDenied),
    ],
)
async def test_what_the_site_refuses_is_raised_and_not_queued(
    store: RemoteStore, fake: FakeSite, answer: object, kind: type[Exception]
) -> None:
    session = await store.create_session(make_session())
    fake.orders.append(answer)  # type: ignore[arg-type]
    with pytest.raises(kind):
        await store.append_messages(session.session_id, [make_draft()])
    assert not store.queue.exists()


async def test_a_session_of_another_task_is_refused_at_once(store: RemoteStore, fake: FakeSite) -> None:
    fake.orders.append(problem(409, "x", {"field": "session_id"}))
    with pytest.raises(SessionExists):
        await store.create_session(make_session())


async def test_a_token_that_is_over_keeps_everything_and_says_so(
    open_remote: OpenRemote, fake: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_remote(fake, limits=QueueLimits(closing_seconds=10))
    session = await store.create_session(make_session())
    fake.always = problem(401, "This token is unknown, revoked or over.")
    with caplog.at_level(logging.ERROR):
        assert (await store.append_messages(session.session_id, [make_draft()]))[0].sequence == 0
        await store.aclose()  # which tries once more
    assert "revoked or over. 1 remarks" in caplog.text
    assert TOKEN not in caplog.text


async def test_entering_checks_the_token_and_a_site_that_is_away_is_no_reason_not_to_begin(
    open_remote: OpenRemote, fake: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    fake.always = problem(401, "revoked")
    with pytest.raises(StorageDenied, match="revoked"):
        async with open_remote(fake):
            pass
    fake.always = problem(403, "Token 1 may not read.")  # one that may only write
    async with open_remote(fake):
        pass
    fake.always = AWAY
    async with open_remote(fake) as store:
        assert "what is said is kept in" in caplog.text
        with pytest.raises(StorageUnavailable):
            await store.ping()


async def test_more_than_one_call_takes_goes_in_several(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    stored = await store.append_messages(session.session_id, make_drafts(2_300))
    assert [message.sequence for message in stored] == list(range(1, 2_301))
    assert fake.lists() == [1_000, 1_000, 300]
    fake.asked.clear()
    await store.append_messages(session.session_id, make_drafts(9, content="x" * 900_000))
    assert fake.lists() == [4, 4, 1]
    assert await store.append_messages(session.session_id, []) == []


def proxy_that_takes(fake: FakeSite, size: int) -> Order:
    """A proxy with a limit of its own for bodies."""

    def order(request):
        is_small = (request.content_length or 0) <= size
        return fake._take(request, fake.asked[-1][2]) if is_small else page(413, "<h1>Too Large</h1>")(request)

    return order


async def test_a_proxy_that_takes_less_than_the_site_gets_shorter_lists(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    fake.always = proxy_that_takes(fake, 100_000)
    drafts = make_drafts(300, content="x" * 1_000)
    stored = await store.append_messages(session.session_id, drafts)
    assert [message.sequence for message in stored] == list(range(1, 301))
    assert [message.message_id for message in stored] == [draft.message_id for draft in drafts]
    assert not store.queue.exists()
    with pytest.raises(ItemTooLarge, match="answered 413: a proxy in front of it takes less"):
        await store.append_messages(session.session_id, [make_draft(content="x" * 200_000)])


async def test_a_proxy_that_takes_nothing_at_all_is_the_site_being_away(open_remote: OpenRemote, fake: FakeSite) -> None:
    fake.always = page(413)
    with pytest.raises(StorageUnavailable, match="413"):
        await open_remote(fake).ping()


async def test_the_site_going_away_in_the_middle_loses_and_doubles_nothing(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    drafts = make_drafts(2_500)
    fake.orders.extend([lambda request: fake._take(request, fake.asked[-1][2]), AWAY])
    stored = await store.append_messages(session.session_id, drafts)
    assert [message.sequence for message in stored] == [*range(1, 1_001), *[0] * 1_500]
    await all_sent(store)
    assert fake.said(session.session_id) == [draft.content for draft in drafts]


async def test_a_session_that_was_begun_here_can_be_continued_and_changed_while_the_site_is_away(
    open_remote: OpenRemote, fake: FakeSite
) -> None:
    store = open_remote(fake)
    session = await store.create_session(make_session())
    fake.always = AWAY
    async with Recorder(store, session_id=session.session_id) as continued:
        await continued.save(source="a", content="more")
        assert (await continued.end(SessionStatus.FAILED)).status is SessionStatus.FAILED
    assert (await store.update_session(session.session_id, title="T", tags=["x"])).title == "T"
    other = open_remote(fake)  # as another process: it knows what the queue knows
    seen = await other.get_session(session.session_id)
    assert (seen.status, seen.title, seen.tags, seen.task) == (SessionStatus.FAILED, "T", ("x",), session.task)
    assert (await other.update_session(session.session_id, title="")).title is None


async def test_a_session_nobody_here_knows_of_says_what_to_do(store: RemoteStore, fake: FakeSite) -> None:
    fake.always = AWAY
    with pytest.raises(StorageUnavailable, match=r"answered 502.*give its task as well as its id"):
        async with Recorder(store, session_id="session_elsewhere"):
            pass
    with pytest.raises(StorageUnavailable, match="session_elsewhere"):
        await store.update_session("session_elsewhere", title="x")
    async with Recorder(store, task="t", session_id="session_elsewhere") as session:
        assert (await session.save(source="a", content="x")).sequence == 0


async def test_a_full_queue_makes_saves_wait_until_there_is_room(
    open_remote: OpenRemote, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "ROOM_SECONDS", 0.01)
    store = open_remote(fake, limits=QueueLimits(entries=1_000, full_seconds=20, closing_seconds=0))
    session = await store.create_session(make_session())
    fake.always = AWAY
    await store.append_messages(session.session_id, make_drafts(1_000))
    waits = asyncio.create_task(store.append_messages(session.session_id, [make_draft(content="last")]))
    await asyncio.sleep(0.1)
    assert not waits.done()
    fake.always = None
    assert (await waits)[0].content == "last"
    await all_sent(store)
    assert (len(fake.said(session.session_id)), fake.said(session.session_id)[-1]) == (1_001, "last")


async def test_a_queue_that_stays_full_says_so_and_keeps_what_it_has(open_remote: OpenRemote, fake: FakeSite) -> None:
    store = open_remote(fake, limits=QueueLimits(entries=1_000, full_seconds=0, closing_seconds=0))
    session = await store.create_session(make_session())
    fake.always = AWAY
    drafts = make_drafts(1_000)
    await store.append_messages(session.session_id, drafts)
    with pytest.raises(StorageFull, match=r"holds 1,000 remarks and changes.*limits are 1,000 and .*raise the limits"):
        await store.append_messages(session.session_id, [make_draft()])
    fake.always = None
    await all_sent(store)
    assert fake.said(session.session_id) == [draft.content for draft in drafts]


async def test_sending_the_same_again_while_it_waits_stores_it_once(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    draft = make_draft(message_id="mine")
    fake.always = AWAY
    for _ in range(3):
        await store.append_messages(session.session_id, [draft])
    with pytest.raises(IdempotencyConflict):
        await store.append_messages(session.session_id, [make_draft(message_id="mine")])
    fake.always = None
    await all_sent(store)
    assert fake.said(session.session_id) == [draft.content]


async def test_a_cancelled_save_can_be_repeated(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    drafts = make_drafts(20)
    tasks = [asyncio.create_task(store.append_messages(session.session_id, [draft])) for draft in drafts]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.append_messages(session.session_id, drafts)
    assert sorted(fake.said(session.session_id)) == sorted(draft.content for draft in drafts)


async def test_what_cannot_be_stored_anywhere_does_not_get_into_the_queue(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    fake.always = AWAY
    with pytest.raises(ItemTooLarge):
        await store.append_messages(session.session_id, [make_draft(), make_draft(content="x" * 2_200_000)])
    with pytest.raises(ItemTooLarge):
        await store.create_session(make_session(metadata={"x": "x" * 2_200_000}))
    with pytest.raises(InvalidInput):
        await store.update_session(session.session_id, title="x" * 501)
    assert (await store.get_backlog()).waiting == 0


async def test_a_disk_that_takes_nothing_acknowledges_nothing(open_remote: OpenRemote, fake: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = open_remote(fake, folder=tmp_path / "file")
    session = await store.create_session(make_session())  # which needs no disk
    fake.always = AWAY
    with pytest.raises(StorageReadOnly, match="folder cannot be made"):
        await store.append_messages(session.session_id, [make_draft()])


async def test_a_site_behind_a_path_is_asked_under_it(open_remote: OpenRemote) -> None:
    async with fake_site("/tools/chatlog") as site:
        store = open_remote(site)
        await store.list_sessions(where=SessionFilter(agents=("a", "b")))
        assert site.asked[0][:2] == ("GET", "/tools/chatlog/api/v1/sessions")


async def test_a_closed_store_says_so(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    await store.aclose()
    await store.aclose()
    for use in (
        lambda: store.append_messages(session.session_id, [make_draft()]),
        lambda: store.wait_for_change(at_most=0),
        store.get_backlog,
    ):
        with pytest.raises(StoreClosed):
            await use()


async def test_it_serves_several_event_loops(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())

    def in_another_loop() -> int:
        return asyncio.run(store.append_messages(session.session_id, [make_draft()]))[0].sequence

    numbers = await asyncio.gather(*(asyncio.to_thread(in_another_loop) for _ in range(4)))
    assert sorted(numbers) == [1, 2, 3, 4]


async def test_closing_finishes_what_was_begun(open_remote: OpenRemote, fake: FakeSite) -> None:
    store = open_remote(fake, limits=QueueLimits(closing_seconds=10))
    session = await store.create_session(make_session())
    saves = [asyncio.create_task(store.append_messages(session.session_id, [make_draft()])) for _ in range(20)]
    await asyncio.sleep(0)
    await store.aclose()
    assert sorted([(await save)[0].sequence for save in saves]) == list(range(1, 21))


async def test_what_closing_could_not_wait_for_is_told_so(open_remote: OpenRemote, fake: FakeSite) -> None:
    store = open_remote(fake, limits=QueueLimits(entries=1_000, full_seconds=3_600, closing_seconds=0.05))
    session = await store.create_session(make_session())
    fake.always = AWAY
    await store.append_messages(session.session_id, make_drafts(1_000))
    waits = asyncio.create_task(store.append_messages(session.session_id, [make_draft()]))
    await asyncio.sleep(0.05)
    await store.aclose()
    with pytest.raises(StoreClosed):
        await waits


async def test_a_session_that_has_ended_cannot_begin(store: RemoteStore) -> None:
    with pytest.raises(InvalidInput, match="status"):
        await store.create_session(dataclasses.replace(make_session(), status=SessionStatus.COMPLETED))


async def test_a_store_in_use_says_in_a_forked_process_that_it_cannot_be_used(store: RemoteStore) -> None:
    await store.ping()
    store._worker._process = -1  # as another process would see it
    with pytest.raises(StorageUnavailable, match="forked"):
        await store.ping()
    store._worker._process = os.getpid()


async def test_the_token_is_not_taken_along_to_where_a_redirect_leads(store: RemoteStore, fake: FakeSite) -> None:
    async with fake_site() as elsewhere:
        fake.always = page(307, Location=f"{elsewhere.address}/api/v1/sessions")
        with pytest.raises(StorageUnavailable, match=f"sends elsewhere: to '{elsewhere.address}"):
            await store.list_sessions()
        await store.create_session(make_session())
        await store.aclose()
        assert elsewhere.asked == []
