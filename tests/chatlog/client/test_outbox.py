"""The queue on disk: in order, within its limits, and still there after anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from chatlog.client import Backlog, QueueLimits
from chatlog.client.entries import Batch, Entry, EntryKind
from chatlog.client.outbox import Outbox
from chatlog.client.wire import MAX_BODY_BYTES, MAX_MESSAGES, encode_draft, join
from chatlog.errors import IdempotencyConflict, InvalidNumber, SessionExists, StorageCorrupt, StorageReadOnly
from dashboard import settings
from dashboard.api import schemas
from tests.factories import make_draft, make_session

SESSION = make_session(session_id="s")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "outbox.sqlite3"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path, QueueLimits())
    yield opened
    opened.close()


def message(content: str = "x", *, session_id: str = "s", message_id: str | None = None) -> Entry:
    draft = make_draft(content=content, **({} if message_id is None else {"message_id": message_id}))
    return Entry(session_id=session_id, kind=EntryKind.MESSAGE, body=encode_draft(draft), message_id=draft.message_id)


def begin(session_id: str = "s") -> Entry:
    return Entry(session_id=session_id, kind=EntryKind.BEGIN, body='{"task":"t"}')


def change(session_id: str = "s") -> Entry:
    return Entry(session_id=session_id, kind=EntryKind.CHANGE, body='{"status":"completed"}')


def put(outbox: Outbox, *entries: Entry) -> bool:
    return outbox.put(entries, view=None)


def drain(outbox: Outbox, most: int = MAX_MESSAGES) -> Iterator[Batch]:
    while batch := outbox.next_batch(most=most):
        yield batch
        outbox.remove(batch)


def contents(batch: Batch) -> list[str]:
    return [body.partition('"content":"')[2].partition('"')[0] for body in batch.bodies]


def test_its_numbers_are_the_servers() -> None:
    assert MAX_MESSAGES <= schemas.MAX_MESSAGES
    assert MAX_BODY_BYTES <= settings.MAX_API_BODY_BYTES


def test_sessions_are_passed_over_whole_and_the_oldest_of_the_others_is_next(outbox: Outbox) -> None:
    for session_id, content in [("b", "1"), ("c", "2"), ("a", "3"), ("b", "4"), ("c", "5")]:
        put(outbox, message(content, session_id=session_id))
    for but, session_id in [({"x"}, "b"), ({"b"}, "c"), ({"c"}, "b"), ({"b", "c"}, "a")]:
        batch = outbox.next_batch(most=10, but=but)
        assert batch is not None
        assert (batch.session_id, outbox.is_waiting(but=but)) == (session_id, True)
    assert outbox.next_batch(most=10, but={"a", "b", "c"}) is None
    assert not outbox.is_waiting(but={"a", "b", "c"})


def test_a_queue_that_was_never_needed_makes_no_file(outbox: Outbox, path: Path) -> None:
    assert not outbox.is_waiting()
    assert outbox.next_batch(most=10) is None
    assert outbox.count() == Backlog()
    assert outbox.list_refused(after=0, limit=10) == []
    assert outbox.find_view("s") is None
    assert not path.parent.exists()


def test_what_goes_in_comes_out_in_its_order_messages_together(outbox: Outbox) -> None:
    put(outbox, begin())
    put(outbox, message("1"), message("2"))
    put(outbox, message("3"))
    put(outbox, change())
    put(outbox, message("4"))
    batches = list(drain(outbox))
    assert [batch.kind for batch in batches] == ["begin", "message", "change", "message"]
    assert (contents(batches[1]), contents(batches[3])) == (["1", "2", "3"], ["4"])
    assert not outbox.is_waiting()


def test_messages_of_one_session_go_together_though_others_came_between(outbox: Outbox) -> None:
    for number in range(3):
        put(outbox, message(f"a{number}", session_id="a"))
        put(outbox, message(f"b{number}", session_id="b"))
    assert [(batch.session_id, contents(batch)) for batch in drain(outbox)] == [
        ("a", ["a0", "a1", "a2"]),
        ("b", ["b0", "b1", "b2"]),
    ]


def test_a_change_is_not_overtaken_by_what_was_said_after_it(outbox: Outbox) -> None:
    put(outbox, message("1", session_id="other"))
    put(outbox, message("1"))
    put(outbox, change())
    put(outbox, message("2"))
    assert [batch.kind for batch in drain(outbox) if batch.session_id == "s"] == ["message", "change", "message"]


def test_a_batch_fits_one_call(outbox: Outbox) -> None:
    for _ in range(3):
        put(outbox, *(message() for _ in range(500)))
    assert [len(batch.bodies) for batch in drain(outbox)] == [1000, 500]
    put(outbox, *(message("空" * 300_000) for _ in range(9)))
    batches = list(drain(outbox))
    assert [len(batch.bodies) for batch in batches] == [4, 4, 1]
    assert all(len(join(batch.bodies).encode()) <= MAX_BODY_BYTES for batch in batches)


def test_a_batch_is_as_long_as_was_asked_for(outbox: Outbox) -> None:
    put(outbox, *(message() for _ in range(5)))
    assert [len(batch.bodies) for batch in drain(outbox, most=2)] == [2, 2, 1]


def test_it_counts_what_it_holds(outbox: Outbox) -> None:
    entries = [begin(), message("空"), message()]
    put(outbox, *entries)
    size = sum(len(entry.body.encode()) + 1 for entry in entries)
    assert outbox.count() == Backlog(waiting=3, waiting_bytes=size)
    batch = outbox.next_batch(most=10)
    assert batch is not None
    outbox.remove(batch)
    assert outbox.count() == Backlog(waiting=2, waiting_bytes=size - len(entries[0].body) - 1)
    batch = outbox.next_batch(most=1)
    assert batch is not None
    outbox.refuse("s", batch.numbers, reason="no")
    assert (outbox.count().waiting, outbox.count().refused) == (1, 1)


def test_full_is_by_number_and_by_size_and_takes_all_or_nothing(path: Path) -> None:
    outbox = Outbox(path, QueueLimits(entries=1_000, size=2 * MAX_BODY_BYTES))
    assert put(outbox, *(message() for _ in range(999)))
    assert not put(outbox, message(), message())
    assert put(outbox, message())
    assert outbox.count().waiting == 1_000
    list(drain(outbox))
    for _ in range(7):
        assert put(outbox, message("x" * 1_100_000))
    assert not put(outbox, message("x" * 1_100_000))
    outbox.close()


def test_what_was_refused_takes_room_until_it_is_forgotten(path: Path) -> None:
    outbox = Outbox(path, QueueLimits(entries=1_000))
    put(outbox, *(message() for _ in range(1_000)))
    outbox.refuse_session("s", reason="no")
    assert not put(outbox, message())
    outbox.forget([entry.number for entry in outbox.list_refused(after=0, limit=1)])
    assert put(outbox, message())
    outbox.close()


@pytest.mark.parametrize(
    "limits", [{"entries": 999}, {"size": MAX_BODY_BYTES}, {"full_seconds": -1}, {"closing_seconds": float("nan")}]
)
def test_limits_that_could_not_hold_a_full_list_are_refused(limits: dict) -> None:
    with pytest.raises(InvalidNumber, match=next(iter(limits))):
        QueueLimits(**limits)


def test_a_message_that_waits_is_not_put_twice(outbox: Outbox) -> None:
    same = message("x", message_id="m")
    assert put(outbox, same)
    assert put(outbox, message("y"), same, same)
    assert [len(batch.bodies) for batch in drain(outbox)] == [2]


def test_its_id_with_other_text_is_a_conflict_that_changes_nothing(outbox: Outbox) -> None:
    put(outbox, message("x", message_id="m"))
    with pytest.raises(IdempotencyConflict, match="m"):
        put(outbox, message("new"), message("y", message_id="m"))
    assert outbox.count().waiting == 1
    assert put(outbox, message("z", message_id="m", session_id="another"))


def test_a_view_stays_as_long_as_something_waits_for_its_session(outbox: Outbox) -> None:
    outbox.put([begin()], view=SESSION)
    outbox.put([message()], view=make_session(session_id="s", task="a message changes no view"))
    assert outbox.find_view("s") == SESSION
    renamed = make_session(session_id="s", title="renamed", task=SESSION.task)
    outbox.put([change()], view=renamed)
    views = [outbox.find_view("s") for _ in drain(outbox)]
    assert views == [renamed] * 3
    assert outbox.find_view("s") is None


def test_a_session_that_may_not_begin_is_set_aside_whole(outbox: Outbox) -> None:
    put(outbox, begin(), message("1"), message("2"), change())
    put(outbox, message(session_id="other"))
    assert outbox.refuse_session("s", reason="taken") == 4
    assert [entry.kind for entry in outbox.list_refused(after=0, limit=10)] == ["begin", "message", "message", "change"]
    assert (outbox.is_begin_refused("s"), outbox.is_begin_refused("other")) == (True, False)
    assert outbox.count().waiting == 1


def test_nothing_more_is_taken_for_a_session_that_may_not_begin(outbox: Outbox) -> None:
    put(outbox, begin(), message("1"))
    outbox.refuse_session("s", reason="taken")
    for more in (message("2"), change()):
        with pytest.raises(SessionExists):
            put(outbox, more)
    assert outbox.count().waiting == 0
    outbox.forget([entry.number for entry in outbox.list_refused(after=0, limit=10)])
    assert put(outbox, message("3"))


def test_what_was_refused_can_be_read_and_sent_again(outbox: Outbox) -> None:
    put(outbox, message("1"), message("2"), message("3"))
    batch = outbox.next_batch(most=2)
    assert batch is not None
    outbox.refuse("s", batch.numbers, reason="gone")
    first, second = outbox.list_refused(after=0, limit=10)
    assert (first.content["content"], first.reason, first.session_id, first.kind) == ("1", "gone", "s", "message")
    assert outbox.list_refused(after=first.number, limit=10) == [second]
    outbox.resend([first.number, second.number])
    assert outbox.count().refused == 0
    assert [contents(batch) for batch in drain(outbox)] == [["3", "1", "2"]]


def test_what_was_refused_stays_so_where_its_id_waits_with_other_words(outbox: Outbox) -> None:
    same = message("same", message_id="n")
    put(outbox, message("mine", message_id="m"), same)
    outbox.refuse("s", [1, 2], reason="gone")
    put(outbox, message("another's", message_id="m"), same)
    outbox.resend([1, 2])
    assert [one.content["content"] for one in outbox.list_refused(after=0, limit=10)] == ["mine"]
    assert [contents(batch) for batch in drain(outbox)] == [["another's", "same"]]
    outbox.resend([1, 2])
    assert outbox.count().refused == 0
    assert [contents(batch) for batch in drain(outbox)] == [["mine"]]


def test_it_waits_for_the_disk(outbox: Outbox) -> None:
    put(outbox, message())
    with outbox._kept.use() as connection:
        assert connection.pragma("synchronous") == 2  # FULL
        assert connection.pragma("journal_mode") == "wal"


def test_another_process_finds_all_of_it(outbox: Outbox, path: Path) -> None:
    put(outbox, begin(), message("1"))
    other = Outbox(path, QueueLimits())
    assert other.is_waiting()
    put(other, message("2"))
    other.close()
    assert [contents(batch) for batch in drain(outbox)][1] == ["1", "2"]


def disk_space(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def test_the_room_that_fifty_megabytes_took_is_given_back_while_another_process_has_the_file(
    outbox: Outbox, path: Path
) -> None:
    for _ in range(50):
        put(outbox, *(message("x" * 10_000) for _ in range(100)))
    assert disk_space(path) > 50_000_000
    other = Outbox(path, QueueLimits())
    assert other.count().waiting == 5_000
    last = max(number for batch in drain(outbox) for number in batch.numbers)
    outbox.give_back_space()
    assert disk_space(path) < 200_000
    put(other, message("said then"))
    (batch,) = drain(outbox)
    assert (contents(batch), batch.numbers > (last,)) == (["said then"], True)
    other.close()


def test_what_waits_or_was_refused_stays_when_room_is_given_back(outbox: Outbox, path: Path) -> None:
    put(outbox, message("refused"), message("x" * 9_000_000), message("waits"))
    batches = drain(outbox, most=1)
    outbox.refuse("s", next(batches).numbers, reason="no")
    assert contents(next(batches))[0][0] == "x"
    next(batches)  # only now the second is removed
    outbox.give_back_space()
    assert disk_space(path) < 200_000
    assert outbox.count().refused == 1
    assert [contents(batch) for batch in drain(outbox)] == [["waits"]]


def test_a_file_that_is_half_full_is_left_alone(outbox: Outbox, path: Path) -> None:
    put(outbox, message("x" * 6_000_000, session_id="gone"), message("x" * 7_000_000))
    batch = outbox.next_batch(most=1)
    assert batch is not None
    outbox.remove(batch)
    before = disk_space(path)
    outbox.give_back_space()
    assert disk_space(path) == before


KILLED = """
import os, sys
from tests.chatlog.client.test_outbox import *
outbox = Outbox(Path(sys.argv[1]), QueueLimits())
for number in range(50):
    put(outbox, message(str(number)))
    print(number, flush=True)
with outbox._kept.use() as connection:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM waiting")
os.kill(os.getpid(), 9)
"""


def test_what_it_took_survives_a_kill(outbox: Outbox, path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    (batch,) = drain(outbox)
    assert contents(batch) == killed.stdout.split() == [str(number) for number in range(50)]


def test_numbers_are_not_used_again(outbox: Outbox) -> None:
    """Or a process that has just sent the last message would remove the one that took its number."""
    put(outbox, message())
    (first,) = drain(outbox)
    put(outbox, message())
    (second,) = drain(outbox)
    assert second.numbers > first.numbers


def test_the_queue_of_a_newer_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    apsw.Connection(str(path)).pragma("user_version", 2)
    outbox = Outbox(path, QueueLimits())
    with pytest.raises(StorageCorrupt, match="another version"):
        put(outbox, message())


def test_a_file_that_is_no_queue_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("no database" * 1_000)
    with pytest.raises(StorageCorrupt, match=r"outbox\.sqlite3"):
        Outbox(path, QueueLimits()).is_waiting()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageReadOnly, match="folder"):
        put(Outbox(tmp_path / "file" / "outbox.sqlite3", QueueLimits()), message())
