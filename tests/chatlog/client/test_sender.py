"""What waits is sent in order, whatever the site makes of it; nothing is dropped without a word."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from chatlog import Recorder, SessionExists
from chatlog.client import QueueLimits, RemoteStore, outbox, sender, trouble
from chatlog.client.drain_lock import DrainLock
from chatlog.client.problems import Away
from chatlog.client.trouble import TroubleLog
from chatlog.errors import StorageDenied, StorageUnavailable
from tests.chatlog.client.conftest import OpenRemote, all_sent
from tests.chatlog.client.fake_site import FakeSite, page, problem
from tests.chatlog.client.test_outbox import disk_space
from tests.factories import make_draft, make_drafts, make_session

AWAY = page(502, "Bad gateway")


async def queue(store: RemoteStore, fake: FakeSite, *contents: str) -> str:
    """A session that the site has, and remarks in it that wait, for the site answers nothing any more."""
    fake.always = None
    session = await store.create_session(make_session())
    fake.always = AWAY
    await store.append_messages(session.session_id, [make_draft(content=content) for content in contents])
    return session.session_id


async def test_one_that_is_refused_is_set_aside_and_does_not_hold_up_the_others(
    store: RemoteStore, fake: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    session_id = await queue(store, fake, "1", "2", "3")
    fake.orders.append(problem(422, "x", {"field": "[1].timestamp", "message": "is ahead of this server's clock."}))
    fake.always = None
    await all_sent(store)
    assert fake.said(session_id) == ["1", "3"]
    (refused,) = await store.list_refused()
    assert (refused.content["content"], refused.session_id, refused.kind) == ("2", session_id, "message")
    assert refused.reason == "timestamp: is ahead of this server's clock."
    assert "refuses 1 remarks" in caplog.text


async def test_one_that_is_refused_without_its_place_is_found_by_shorter_lists(store: RemoteStore, fake: FakeSite) -> None:
    contents = [str(number) for number in range(10)]
    session_id = await queue(store, fake, *contents)

    def choke(request):
        sent = fake.asked[-1][2]
        if "7" in [message["content"] for message in sent]:
            return problem(422, "body: is nested more than 32 levels deep.", {"field": "body"})(request)
        return fake._take(request, sent)

    fake.always = choke
    await all_sent(store)
    assert fake.said(session_id) == [content for content in contents if content != "7"]
    assert [entry.content["content"] for entry in await store.list_refused()] == ["7"]


async def test_a_proxy_that_takes_less_gets_shorter_lists(store: RemoteStore, fake: FakeSite) -> None:
    contents = ["x" * 1_000] * 300
    session_id = await queue(store, fake, *contents)

    def proxy(request):
        return page(413)(request) if request.content_length > 100_000 else fake._take(request, fake.asked[-1][2])

    fake.always = proxy
    await all_sent(store)
    assert fake.said(session_id) == contents
    assert await store.list_refused() == []


async def test_what_was_said_in_a_session_that_is_gone_is_set_aside(store: RemoteStore, fake: FakeSite) -> None:
    sessions = [await store.create_session(make_session()) for _ in range(2)]
    gone, there = [session.session_id for session in sessions]
    fake.always = AWAY
    await store.append_messages(gone, [make_draft(content="1"), make_draft(content="2")])
    await store.append_messages(there, [make_draft(content="3")])

    def without_one(request):
        is_gone = gone in request.path
        return problem(404, "x", {"field": "session_id"})(request) if is_gone else fake._take(request, fake.asked[-1][2])

    fake.always = without_one
    await all_sent(store)
    assert (fake.said(gone), fake.said(there)) == ([], ["3"])
    refused = await store.list_refused()
    assert [entry.content["content"] for entry in refused] == ["1", "2"]
    fake.always = None
    await store.resend_refused(entry.number for entry in refused)  # after it was restored, say
    await all_sent(store)
    assert fake.said(gone) == ["1", "2"]
    assert await store.list_refused() == []


async def test_what_is_forgotten_is_gone(store: RemoteStore, fake: FakeSite) -> None:
    await queue(store, fake, "1", "2")
    fake.orders.append(problem(404, "x", {"field": "session_id"}))
    fake.always = None
    await all_sent(store)
    first, second = await store.list_refused()
    await store.forget_refused([first.number])
    assert await store.list_refused() == [second]


async def test_nothing_is_put_into_the_session_of_somebody_else_that_has_the_same_id(
    store: RemoteStore, fake: FakeSite
) -> None:
    other = (await store.create_session(make_session())).session_id
    fake.always = AWAY  # and stays so, or the session might begin before it is taken
    async with Recorder(store, task="mine", session_id="taken") as session:
        await session.save(source="a", content="1")
    await store.append_messages(other, [make_draft(content="2")])
    fake.orders.append(problem(409, "taken", {"field": "session_id"}))
    fake.always = None
    await all_sent(store)
    assert (fake.said("taken"), fake.said(other)) == ([], ["2"])
    assert [entry.kind for entry in await store.list_refused()] == ["begin", "message", "change"]
    with pytest.raises(SessionExists):
        await store.append_messages("taken", [make_draft()])
    with pytest.raises(SessionExists):
        await store.update_session("taken", title="x")
    assert fake.said("taken") == []


@pytest.mark.parametrize(
    "answer", [page(404), page(403), page(400), page(200), page(201), problem(404), problem(400), problem(403)]
)
async def test_only_the_sites_own_word_sets_anything_aside(
    store: RemoteStore, fake: FakeSite, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "DENIED_PAUSE_SECONDS", 0.01)
    session_id = await queue(store, fake, "1")
    asked = len(fake.asked)
    fake.always = answer  # type: ignore[assignment]
    await fake.was_asked(asked + 3)
    assert (await store.get_backlog()).refused == 0
    fake.always = None
    await all_sent(store)
    assert fake.said(session_id) == ["1"]


async def test_a_new_token_sends_what_the_old_one_could_not(open_remote: OpenRemote, fake: FakeSite) -> None:
    def gate(request):
        is_new = request.headers["Authorization"] == "Bearer chatlog_new"
        return fake._take(request, fake.asked[-1][2]) if is_new else problem(401, "revoked")(request)

    old = open_remote(fake)
    session_id = await queue(old, fake, "1", "2")
    fake.always = gate
    await old.append_messages(session_id, [make_draft(content="3")])
    new = open_remote(fake, token="chatlog_new")
    await new.append_messages(session_id, [make_draft(content="4")])
    await all_sent(new)
    assert fake.said(session_id) == ["1", "2", "3", "4"]


async def test_closing_sends_what_it_can(open_remote: OpenRemote, fake: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(sender, "LONGEST_PAUSE_SECONDS", 60.0)
    store = open_remote(fake, limits=QueueLimits(closing_seconds=10))
    session_id = await queue(store, fake, "1", "2")
    await fake.was_asked(3)
    fake.always = None  # the sender rests for a minute now, but for the end of the program
    await store.aclose()
    assert fake.said(session_id) == ["1", "2"]


async def test_closing_leaves_the_rest_to_the_next_process_and_says_how_much(
    open_remote: OpenRemote, fake: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_remote(fake, limits=QueueLimits(closing_seconds=0.1))
    session_id = await queue(store, fake, "1", "2")
    await store.aclose()
    last = caplog.messages[-1]
    assert f"2 remarks and changes wait in {store.queue}. The next program" in last
    assert f"`CHATLOG_DATA_DIR={store.queue.parent} chatlog send --store {fake.address}`" in last
    fake.always = None
    next_one = open_remote(fake)
    await all_sent(next_one)
    assert fake.said(session_id) == ["1", "2"]


async def test_whoever_waits_for_it_is_told_when_all_is_sent(store: RemoteStore, fake: FakeSite) -> None:
    await store.send_waiting()
    session_id = await queue(store, fake, "1", "2")
    waits = asyncio.create_task(store.send_waiting(patience=30))
    await fake.was_asked(6)
    assert not waits.done()
    fake.always = None
    await waits
    assert fake.said(session_id) == ["1", "2"]
    await store.send_waiting()


@pytest.mark.parametrize(
    ("answer", "kind"), [(AWAY, StorageUnavailable), (page(200), StorageUnavailable), (problem(401), StorageDenied)]
)
async def test_whoever_waits_for_it_is_told_why_it_is_not_sent(
    store: RemoteStore, fake: FakeSite, answer: object, kind: type[Exception]
) -> None:
    await queue(store, fake, "1")
    fake.always = answer  # type: ignore[assignment]
    with pytest.raises(kind, match=fake.address):
        await store.send_waiting(patience=0.1)
    assert (await store.get_backlog()).waiting == 1


async def test_whoever_waits_for_it_is_told_of_an_error_that_nobody_foresaw(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    await queue(store, fake, "1")
    monkeypatch.setattr(sender.Sender, "_deliver", fail)
    with pytest.raises(ZeroDivisionError):
        await store.send_waiting(patience=0.1)


async def test_a_site_that_goes_on_taking_something_is_not_given_up(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 0.1)
    fake.always = AWAY
    for number in range(20):
        await store.create_session(make_session(session_id=str(number)))

    def every_other(request):
        fake.orders.append(AWAY)
        return fake._take(request, fake.asked[-1][2])

    fake.always = every_other
    await store.send_waiting(patience=0.7)
    assert len(fake.sessions) == 20


async def test_closing_does_not_wait_for_a_token_that_is_over(open_remote: OpenRemote, fake: FakeSite) -> None:
    store = open_remote(fake, limits=QueueLimits(closing_seconds=3_600))
    await queue(store, fake, "1")
    fake.always = problem(401)
    async with asyncio.timeout(10):
        await store.aclose()


async def test_what_another_process_left_behind_is_noticed(
    open_remote: OpenRemote, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    idle = open_remote(fake)
    assert (await idle.get_backlog()).waiting == 0
    other = open_remote(fake)
    session_id = await queue(other, fake, "1")
    await other.aclose()
    fake.always = None
    await all_sent(idle)
    assert fake.said(session_id) == ["1"]


async def test_the_room_of_what_was_sent_is_given_back(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WORTH_GIVING_BACK", 500_000)
    await queue(store, fake, *(["x" * 1_000_000] * 2))
    fake.always = None
    await all_sent(store)
    assert disk_space(store.queue) < 200_000


async def test_room_that_cannot_be_given_back_is_told_and_nothing_is_held_up_by_it(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise StorageUnavailable("The disk is in trouble.")

    monkeypatch.setattr(outbox.Outbox, "give_back_space", fail)
    session_id = await queue(store, fake, "1")
    fake.always = None
    await all_sent(store)
    (message,) = await store.append_messages(session_id, [make_draft(content="2")])
    assert message.sequence == 2
    assert "stays as large as it was: The disk is in trouble." in caplog.text


async def test_only_one_sends_at_a_time(store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "TURN_SECONDS", 0.01)
    store.queue.parent.mkdir(exist_ok=True)
    with DrainLock(store.queue).held() as is_ours:
        assert is_ours
        session_id = await queue(store, fake, "1")
        fake.always = None
        asked = len(fake.asked)
        await asyncio.sleep(0.2)
        assert (len(fake.asked), fake.said(session_id)) == (asked, [])
    await all_sent(store)
    assert fake.said(session_id) == ["1"]


def test_a_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    one, two = DrainLock(tmp_path / "q"), DrainLock(tmp_path / "q")
    with one.held() as first, two.held() as second:
        assert (first, second) == (True, False)
    with two.held() as second:
        assert second


async def test_an_error_nobody_foresaw_does_not_end_the_sending(
    store: RemoteStore, fake: FakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deliver, failures = sender.Sender._deliver, iter([ZeroDivisionError("a bug")])

    async def fail_once(self: sender.Sender, batch: object) -> None:
        for failure in failures:
            raise failure
        await deliver(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(sender.Sender, "_deliver", fail_once)
    session_id = await queue(store, fake, "1")
    fake.always = None
    await all_sent(store)
    assert fake.said(session_id) == ["1"]
    assert "a bug" in caplog.text


async def test_a_site_that_is_back_is_not_met_with_full_lists_at_once(store: RemoteStore, fake: FakeSite) -> None:
    session = await store.create_session(make_session())
    fake.always = AWAY
    await store.append_messages(session.session_id, make_drafts(1_000))
    await fake.was_asked(20)
    fake.asked.clear()
    fake.always = None
    await all_sent(store)
    assert fake.lists() == [1, 101, 201, 301, 396]


async def test_pauses_grow_to_a_limit_and_are_as_long_as_the_site_asks(store: RemoteStore, fake: FakeSite) -> None:
    await store.get_backlog()
    sending = store._parts.sender
    pauses = [sending._note(Away("x")) for _ in range(8)]
    assert all(sender.FIRST_PAUSE_SECONDS / 2 <= pause <= sender.LONGEST_PAUSE_SECONDS for pause in pauses)
    assert sending._pause == sender.LONGEST_PAUSE_SECONDS
    polite = Away("x")
    polite.retry_after = 77.0
    assert sending._note(polite) == 77.0
    assert sending._note(StorageDenied("x")) == sender.DENIED_PAUSE_SECONDS


def test_trouble_is_told_at_once_and_then_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = TroubleLog("https://site.example", Path("q"), clock=lambda: now)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            log.note(Away("Away."), waiting=3)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        now = trouble.REMIND_SECONDS
        log.note(Away("Away."), waiting=4)
        log.note(StorageDenied("Revoked."), waiting=4)
        log.end()
        log.end()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "ERROR", "INFO"]
    assert "Away. 4 remarks and changes wait in q" in caplog.text
