"""What somebody between here and the site never lets through holds up its own session, and no other."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from chatlog.client import RemoteStore, stuck, trouble
from chatlog.client.entries import Batch, EntryKind
from chatlog.client.problems import Away, find_problem
from chatlog.client.stuck import StuckSessions
from tests.chatlog.client.conftest import all_sent
from tests.chatlog.client.fake_site import FakeSite, Order, hang_up, page, problem
from tests.factories import make_draft, make_session

BAD = "' UNION SELECT 1"
BLOCKED = page(403, "<h1>Blocked</h1>")


def dislikes(fake: FakeSite, answer: Order = BLOCKED) -> Order:
    """A proxy that reads along."""

    def order(request):
        sent = fake.asked[-1][2]
        contents = [message["content"] for message in sent] if isinstance(sent, list) else []
        return answer(request) if BAD in contents else fake._take(request, sent)

    return order


async def begin_two(store: RemoteStore) -> list[str]:
    return [(await store.create_session(make_session())).session_id for _ in range(2)]


async def say(store: RemoteStore, session_id: str, *contents: str) -> list[int]:
    drafts = [make_draft(content=content) for content in contents]
    return [message.sequence for message in await store.append_messages(session_id, drafts)]


async def only_waits(store: RemoteStore, number: int) -> None:
    """Return when everything has gone out but so many."""
    async with asyncio.timeout(10):
        while True:
            if (await store.get_backlog()).waiting == number:
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [BLOCKED, page(400), page(200), page(201), page(302), problem(500), problem(400)])
async def test_what_is_answered_but_never_taken_does_not_hold_up_other_sessions(
    store: RemoteStore, fake: FakeSite, answer: Order
) -> None:
    held, other = await begin_two(store)
    fake.always = page(502)
    await say(store, held, "1", BAD, "2")
    await say(store, other, "3", "4")
    fake.always = dislikes(fake, answer)
    await only_waits(store, 2)
    assert fake.said(other) == ["3", "4"]
    assert fake.said(held) == ["1"], "what was said later has overtaken what is stuck"
    assert (await store.get_backlog()).refused == 0
    fake.always = None  # somebody taught the proxy better
    await all_sent(store)
    assert fake.said(held) == ["1", BAD, "2"]


async def test_other_sessions_get_their_numbers_at_once_while_one_is_stuck(store: RemoteStore, fake: FakeSite) -> None:
    held, other = await begin_two(store)
    fake.always = dislikes(fake)
    assert await say(store, held, BAD) == [0]
    await fake.was_asked(3 + stuck.STUCK_AFTER)
    await say(store, other, "1")
    await only_waits(store, 1)
    assert await say(store, other, "2") == [2]
    assert await say(store, held, "behind it") == [0]
    assert fake.said(held) == []


async def test_many_that_are_stuck_do_not_keep_the_others_waiting(store: RemoteStore, fake: FakeSite) -> None:
    sessions = [(await store.create_session(make_session())).session_id for _ in range(6)]
    fake.always = page(502)
    for session_id in sessions[:5]:
        await say(store, session_id, BAD)
    await say(store, sessions[5], "1")
    fake.always = dislikes(fake)
    await only_waits(store, 5)
    assert fake.said(sessions[5]) == ["1"]
    fake.always = None
    await all_sent(store)
    assert [fake.said(session_id) for session_id in sessions[:5]] == [[BAD]] * 5


@pytest.mark.parametrize("answer", [page(502), page(503), page(504), problem(429), hang_up])
async def test_a_site_that_is_away_is_not_asked_about_each_session(store: RemoteStore, fake: FakeSite, answer: Order) -> None:
    held, other = await begin_two(store)
    fake.always = page(502)
    await say(store, held, "1")
    await say(store, other, "2")
    asked = len(fake.asked)
    fake.always = answer
    await fake.was_asked(asked + 3 * stuck.STUCK_AFTER)
    assert not [path for _, path, _ in fake.asked[asked:] if other in path]


async def test_each_entry_is_counted_for_itself_and_a_short_list_is_taken_apart_at_once(
    store: RemoteStore, fake: FakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    session_id, _ = await begin_two(store)

    def take(request):
        return fake._take(request, fake.asked[-1][2])

    fake.orders.extend([BLOCKED, BLOCKED, BLOCKED, BLOCKED, take, BLOCKED, BLOCKED, take])
    await say(store, session_id, "1", "2")
    await all_sent(store)
    assert fake.lists() == [2, 2, 1, 1, 1, 1, 1, 1]
    assert "sent alone" not in caplog.text


def batch(session_id: str) -> Batch:
    return Batch(session_id=session_id, kind=EntryKind.MESSAGE, numbers=(7,), bodies=("{}",), message_ids=("m-7",))


def test_what_is_stuck_is_named_once_and_then_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    sessions = StuckSessions("https://site.example", Path("q"), clock=lambda: now)
    for _ in range(2):
        sessions.note(batch("s"), Away("Blocked."))
    assert (sessions.ids, caplog.records) == (frozenset(), [])
    for _ in range(9):
        sessions.note(batch("s"), Away("Blocked."))
    now = trouble.REMIND_SECONDS
    sessions.note(batch("s"), Away("Blocked."))
    assert sessions.ids == {"s"}
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    for word in ("'s'", "message 'm-7'", "Blocked.", "https://site.example", "3 times", "12 times"):
        assert word in caplog.text


def test_the_one_that_has_rested_longest_is_due_first_and_none_before_its_time() -> None:
    now = 0.0
    sessions = StuckSessions("https://site.example", Path("q"), clock=lambda: now)
    for session_id in "abc":
        for _ in range(stuck.STUCK_AFTER):
            sessions.note(batch(session_id), Away("x"))
        now += 0.1
    assert sessions.find_due() is None
    now += stuck.LONGEST_PAUSE_SECONDS
    assert sessions.find_due() == "a"
    sessions.note(batch("a"), Away("x"))
    assert sessions.find_due() == "b"
    sessions.forget("b")
    assert (sessions.find_due(), sessions.ids) == ("c", {"a", "c"})
    for _ in range(2_000):
        sessions.note(batch("a"), Away("x"))
    now += stuck.LONGEST_PAUSE_SECONDS
    sessions.forget("c")
    assert sessions.find_due() == "a"


@pytest.mark.parametrize(
    ("status", "headers", "is_answer"),
    [
        (400, {}, True),
        (403, {}, True),
        (500, {}, True),
        (302, {}, True),
        (429, {}, False),
        (503, {}, False),
        (500, {"Retry-After": "7"}, False),
    ],
)
def test_only_what_says_nothing_about_the_whole_site_is_an_answer(
    status: int,
    headers: dict[str, str],
    is_answer: object,
) -> None:
    error = find_problem(status, headers, b"", site="https://site.example")
    assert isinstance(error, Away)
    assert error.is_answer is is_answer
