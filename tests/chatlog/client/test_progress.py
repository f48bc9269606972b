"""Whether the site takes what waits is seen from the queue, whichever process sends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlog.client import QueueLimits
from chatlog.client.outbox import Outbox
from chatlog.client.problems import Away
from chatlog.client.progress import RECENT_SECONDS, Progress
from chatlog.client.stuck import STUCK_AFTER, StuckSessions
from chatlog.client.wire import MAX_MESSAGES
from tests.chatlog.client.test_outbox import message, put


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def outboxes(tmp_path: Path) -> Iterator[tuple[Outbox, Outbox]]:
    """One queue, as two processes have it."""
    both = Outbox(tmp_path / "q.sqlite3", QueueLimits()), Outbox(tmp_path / "q.sqlite3", QueueLimits())
    yield both
    for outbox in both:
        outbox.close()


@pytest.fixture
def outbox(outboxes: tuple[Outbox, Outbox]) -> Outbox:
    return outboxes[0]


@pytest.fixture
def stuck() -> StuckSessions:
    return StuckSessions("https://site.example", Path("q"))


def send_one(outbox: Outbox) -> None:
    batch = outbox.next_batch(most=1)
    assert batch is not None
    outbox.remove(batch)


def test_what_another_process_sends_is_progress_for_a_moment(outboxes: tuple[Outbox, Outbox], stuck: StuckSessions) -> None:
    ours, theirs = outboxes
    progress = Progress(ours, stuck, clock=(clock := Clock()))
    put(theirs, message(), message(), message())
    assert not progress.is_made(), "what was there at the first look may have been there for a day"
    assert not progress.is_made()
    send_one(theirs)
    assert progress.is_made()
    clock.now = RECENT_SECONDS
    assert progress.is_made()
    clock.now += 0.1
    assert not progress.is_made()


def test_what_comes_into_an_empty_queue_is_no_progress(outbox: Outbox, stuck: StuckSessions) -> None:
    progress = Progress(outbox, stuck, clock=Clock())
    put(outbox, message())
    assert not progress.is_made()
    send_one(outbox)
    assert not progress.is_made()
    put(outbox, message())
    assert not progress.is_made()


def test_a_long_queue_is_not_through_in_a_moment(outbox: Outbox, stuck: StuckSessions) -> None:
    progress = Progress(outbox, stuck, clock=Clock())
    put(outbox, *(message() for _ in range(MAX_MESSAGES + 2)))
    progress.is_made()
    send_one(outbox)
    assert not progress.is_made()
    send_one(outbox)
    assert progress.is_made()


def test_what_is_stuck_is_not_looked_at(outbox: Outbox, stuck: StuckSessions) -> None:
    progress = Progress(outbox, stuck, clock=Clock())
    put(outbox, message(session_id="stuck"))
    batch = outbox.next_batch(most=1)
    assert batch is not None
    for _ in range(STUCK_AFTER):
        stuck.note(batch, Away("Blocked."))
    put(outbox, message(session_id="other"))
    put(outbox, message(session_id="other"))
    assert not progress.is_made()
    other = outbox.next_batch(most=1, but=stuck.ids)
    assert other is not None
    outbox.remove(other)
    assert progress.is_made()
