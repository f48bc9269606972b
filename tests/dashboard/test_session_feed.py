from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from chatlog.domain.models import SessionStatus
from chatlog.errors import StorageUnavailable
from chatlog.services import pausing
from dashboard.feeds import session_feed, session_state
from dashboard.feeds.session_feed import SessionFeed
from dashboard.feeds.viewer import OWED_BYTES, WINDOW_BYTES
from dashboard.sockets import codes
from tests.dashboard.doubles import MemoryStore, Page

MakeFeed = Callable[[MemoryStore], SessionFeed]


@pytest.fixture
async def make_feed() -> AsyncIterator[MakeFeed]:
    feeds: list[SessionFeed] = []

    def make(store: MemoryStore, kind: type[SessionFeed] = SessionFeed) -> SessionFeed:
        feeds.append(kind(store.session.session_id, store=store))
        return feeds[-1]

    yield make
    for feed in feeds:
        await feed.stop()


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost wake-up shows as a hang, instead of being healed within a second."""
    monkeypatch.setattr(session_state, "POLL_SECONDS", 3600)
    monkeypatch.setattr(session_state, "POLL_FINISHED_SECONDS", 3600)
    monkeypatch.setattr(session_state, "READ_AGAIN_SECONDS", 0)
    monkeypatch.setattr(session_state, "COUNT_SECONDS", 0)


def jitter(numbers: random.Random) -> Callable[[], Awaitable[None]]:
    async def pause() -> None:
        for _ in range(numbers.randrange(4)):
            await asyncio.sleep(0)

    return pause


async def play(seed: int, make_feed: MakeFeed, kind: type[SessionFeed] = SessionFeed) -> list[tuple[Page, int]]:
    """Saves, hints, page views and joins in a random order, with a random delay inside every store read and every send."""
    numbers = random.Random(seed)
    store = MemoryStore(messages=numbers.randrange(3))
    store.before_answer = jitter(numbers)
    feed = make_feed(store, kind)
    pages: list[Page] = []

    async def save() -> None:
        for _ in range(12):
            store.say()
            await jitter(numbers)()
            feed.wake()
            await jitter(numbers)()

    async def come() -> None:
        await jitter(numbers)()
        page = Page(cursor=numbers.randint(0, len(store.messages)), pause=jitter(numbers))
        pages.append(page)
        await jitter(numbers)()  # between the making of the page and its socket
        feed.join(page.viewer)

    await asyncio.gather(save(), *(come() for _ in range(4)))
    for page in pages:
        try:
            await page.until(lambda page=page: page.is_up_to(len(store.messages)), at_most=0.5)
        except TimeoutError:
            continue  # what is missing is for the caller to say
    await feed.stop()
    return [(page, len(store.messages)) for page in pages]


@pytest.mark.usefixtures("no_poll")
@pytest.mark.parametrize("block", range(8))
async def test_whoever_joins_whenever_is_shown_every_message_once_and_in_order(block: int, make_feed: MakeFeed) -> None:
    for seed in range(block * 50, block * 50 + 50):
        for page, last in await play(seed, make_feed):
            page.assert_complete(last)


class SnapshotThenSubscribe(SessionFeed):
    """The usual mistake: read what is there, then, a moment later, start to listen."""

    async def _catch_up(self, viewer: object) -> None:
        if self.cursor < 0:
            await self._moved.wait()
        for frame in (
            await self._history.list_frames(after=viewer.cursor, up_to=self.cursor) if viewer.cursor < self.cursor else []
        ):
            viewer.note_sent(frame)
            await viewer.send(frame.message)
        self._catching_up.pop(viewer, None)
        self._in_step.add(viewer)


@pytest.mark.usefixtures("no_poll")
async def test_control_the_same_play_loses_messages_when_a_feed_reads_before_it_subscribes(make_feed: MakeFeed) -> None:
    incomplete = 0
    for seed in range(20):
        for page, last in await play(seed, make_feed, SnapshotThenSubscribe):
            incomplete += page.shown != list(range(page.first, last + 1))
    assert incomplete > 0


async def test_without_any_signal_the_poll_finds_everything(make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "POLL_SECONDS", 0.02)
    store = MemoryStore(messages=3)
    feed, page = make_feed(store), Page(cursor=3)
    feed.join(page.viewer)
    for _ in range(20):
        store.say()
        await asyncio.sleep(0.005)
    await page.until_shown(23)
    page.assert_complete(23)


@pytest.mark.usefixtures("no_poll")
async def test_a_crowd_with_different_cursors_costs_one_read_for_each_block_of_history(make_feed: MakeFeed) -> None:
    store = MemoryStore(messages=450)
    feed = make_feed(store)
    pages = [Page(cursor=number) for number in range(0, 450, 3)]
    for page in pages:
        page.viewer.unacknowledged = -(10**9)  # the window is another test's matter
        feed.join(page.viewer)
    for page in pages:
        await page.until_shown(450)
        page.assert_complete(450)
    assert store.reads <= 3 + 2  # three blocks, and the feed's own looks


@pytest.mark.usefixtures("no_poll")
async def test_a_message_is_rendered_into_one_frame_for_all(make_feed: MakeFeed) -> None:
    store = MemoryStore()
    feed = make_feed(store)
    frames: list[int] = []
    pages = [Page() for _ in range(5)]
    for page in pages:
        inner = page.viewer.send

        async def send(message: dict[str, object], inner: Callable[..., Awaitable[None]] = inner) -> None:
            if "message-1" in str(message["text"]):
                frames.append(id(message))
            await inner(message)

        page.viewer.send = send
        feed.join(page.viewer)
    await pages[0].until(lambda: pages[0].other)
    store.say()
    feed.wake()
    for page in pages:
        await page.until_shown(1)
    assert len(frames) == 5
    assert len(set(frames)) == 1


@pytest.mark.usefixtures("no_poll")
async def test_a_hole_is_never_stepped_over(make_feed: MakeFeed) -> None:
    store = MemoryStore(messages=2)
    feed, page = make_feed(store), Page(cursor=2)
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    late = store.say()
    store.say()
    store.messages.remove(late)  # the store shows 4 before 3
    feed.wake()
    await asyncio.sleep(0.05)
    assert page.shown == []
    store.messages.insert(2, late)
    feed.wake()
    await page.until_shown(4)
    page.assert_complete(4)


@pytest.mark.usefixtures("no_poll")
async def test_a_page_that_does_not_read_is_sent_a_bounded_amount_and_holds_up_nobody(make_feed: MakeFeed) -> None:
    store = MemoryStore(content="x" * 10_000)
    feed, stuck, healthy = make_feed(store), Page(), Page()
    feed.join(stuck.viewer)
    feed.join(healthy.viewer)
    for number in range(1, 101):
        store.say()
        feed.wake()
        await healthy.until_shown(number)
        healthy.viewer.acknowledge(number)
    healthy.assert_complete(100)
    assert stuck.bytes <= WINDOW_BYTES
    assert stuck.shown == list(range(1, len(stuck.shown) + 1))
    while not stuck.shown or stuck.shown[-1] < 100:  # it wakes up and reads: nothing is missing
        stuck.viewer.acknowledge(stuck.shown[-1])
        seen = len(stuck.shown)
        await stuck.until(lambda seen=seen: len(stuck.shown) > seen)
    stuck.assert_complete(100)


@pytest.mark.usefixtures("no_poll")
async def test_a_page_that_stays_stuck_is_closed(make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_feed, "STUCK_SECONDS", 0.05)
    store = MemoryStore(messages=60, content="x" * 10_000)
    feed, page = make_feed(store), Page()
    feed.join(page.viewer)
    await page.until(lambda: page.closed)
    assert page.closed[0] == codes.TOO_SLOW
    assert not feed.is_watched


@pytest.mark.usefixtures("no_poll")
async def test_one_message_larger_than_the_window_still_arrives(make_feed: MakeFeed) -> None:
    store = MemoryStore()
    feed, page = make_feed(store), Page()
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    page.viewer.unacknowledged = OWED_BYTES - 1  # the most that a page which reads everything may owe
    store.say("y" * (WINDOW_BYTES * 2))
    feed.wake()
    await page.until_shown(1)


async def test_trouble_with_the_store_is_told_in_words_and_taken_back(
    make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "RETRY_SECONDS", (0.01, 0.02))
    store = MemoryStore(messages=1)
    feed, page = make_feed(store), Page(cursor=1)
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    store.fault = StorageUnavailable("The disk is asleep.")
    store.say()
    feed.wake()
    await page.until(lambda: any("The disk is asleep." in text for text in page.other))
    store.fault = None
    await page.until_shown(2)
    await page.until(lambda: "asleep" not in page.other[-1])
    page.assert_complete(2)


async def test_trouble_from_the_beginning_is_told_too(make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "RETRY_SECONDS", (0.01, 0.02))
    store = MemoryStore(messages=2)
    store.fault = StorageUnavailable("The disk is asleep.")
    feed, page = make_feed(store), Page()
    feed.join(page.viewer)
    await page.until(lambda: any("The disk is asleep." in text for text in page.other))
    store.fault = None
    await page.until_shown(2)
    page.assert_complete(2)


@pytest.mark.usefixtures("no_poll")
async def test_a_page_that_knows_more_than_the_store_is_told_to_reload(make_feed: MakeFeed) -> None:
    store = MemoryStore(messages=3)
    feed, page = make_feed(store), Page(cursor=7)
    feed.join(page.viewer)
    await page.until(lambda: page.closed)
    assert page.closed[0] == codes.RELOAD


@pytest.mark.usefixtures("no_poll")
@pytest.mark.parametrize("made_anew", [True, False], ids=["another session under the id", "an older copy of the store"])
async def test_a_store_that_is_reset_under_an_open_page_makes_it_reload(*, made_anew: bool, make_feed: MakeFeed) -> None:
    store = MemoryStore(messages=3)
    feed, page = make_feed(store), Page(cursor=3)
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    store.messages = []
    store.session = MemoryStore().session if made_anew else replace(store.session, message_count=0)
    feed.wake()
    await page.until(lambda: page.closed)
    assert page.closed[0] == codes.RELOAD
    assert feed.is_over or not feed.is_watched


async def test_a_session_that_is_not_there_closes_its_page(make_feed: MakeFeed) -> None:
    store = MemoryStore()
    feed = SessionFeed("session_of_nobody", store=store)
    page = Page()
    feed.join(page.viewer)
    await page.until(lambda: page.closed)
    assert page.closed[0] == codes.NOT_FOUND
    await feed.stop()


@pytest.mark.usefixtures("no_poll")
async def test_a_status_is_sent_when_it_changed_and_only_then(make_feed: MakeFeed) -> None:
    store = MemoryStore(messages=1)
    feed, page = make_feed(store), Page(cursor=1)
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    greeted = len(page.other)
    feed.wake()
    await asyncio.sleep(0.05)
    assert len(page.other) == greeted
    store.say()
    feed.wake()
    await page.until(lambda: len(page.other) == greeted + 1)


@pytest.mark.usefixtures("no_poll")
async def test_a_mere_count_waits_and_a_change_of_status_does_not(make_feed: MakeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "COUNT_SECONDS", 3600)
    store = MemoryStore(messages=1)
    feed, page = make_feed(store), Page(cursor=1)
    feed.join(page.viewer)
    await page.until(lambda: page.other)
    greeted = len(page.other)
    store.say()
    feed.wake()
    await page.until_shown(2)
    store.session = replace(store.session, status=SessionStatus.FAILED)
    feed.wake()
    await page.until(lambda: len(page.other) > greeted)
    assert len(page.other) == greeted + 1
    assert "failed" in page.other[-1]


@pytest.mark.usefixtures("no_poll")
async def test_a_broken_connection_does_not_cost_the_others_theirs(make_feed: MakeFeed) -> None:
    store = MemoryStore()
    feed, broken, healthy = make_feed(store), Page(), Page()

    async def fail(message: dict[str, object]) -> None:
        raise ConnectionResetError

    for page in (broken, healthy):
        feed.join(page.viewer)
        await page.until(lambda page=page: page.other)
    broken.viewer.send = fail
    for number in range(1, 4):
        store.say()
        feed.wake()
        await healthy.until_shown(number)
    healthy.assert_complete(3)
    assert broken.closed is not None
