"""What only the embedded store does with figures of use: finished days are kept, until anything in them changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from chatlog import Session, SessionStatus
from chatlog.domain.clock import utc_now
from chatlog.domain.usage import UsageDay
from chatlog.storage.sqlite import counting, kept_days, messages, usage
from chatlog.storage.sqlite.connection import open_connection
from chatlog.storage.sqlite.kept_days import KeptDays, claim_days, keep_days, select_claims, write_day
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.factories import make_draft, make_drafts, make_session

DAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
    async with SqliteSessionStore(tmp_path / "c.sqlite3") as opened:
        yield opened


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days that were counted, as they are."""
    days: list[date] = []
    real = counting.count_day

    def noted(connection: apsw.Connection, day: date) -> UsageDay:
        days.append(day)
        return real(connection, day)

    monkeypatch.setattr(usage, "count_day", noted)
    return days


async def begin(store: SqliteSessionStore, **values: Any) -> Session:
    """A session of one day, with a remark two days before and two days after it."""
    session = await store.create_session(make_session(created_at=NOON, participants=["ann"], **values))
    drafts = [make_draft(source="ann", content="空間", timestamp=NOON + days * ONE_DAY) for days in (-2, 2)]
    await store.append_messages(session.session_id, drafts)
    return session


async def list_all(store: SqliteSessionStore, *, until: date = DAY + 10 * ONE_DAY) -> list[UsageDay]:
    return await store.list_usage(since=DAY - 10 * ONE_DAY, until=until)


def select_kept(path: Path) -> dict[str, str | None]:
    connection = apsw.Connection(str(path))
    kept = dict(connection.execute("SELECT day, document FROM usage_days ORDER BY day"))
    connection.close()
    return kept


def days_around(*numbers: int) -> list[date]:
    return [DAY + number * ONE_DAY for number in numbers]


async def test_days_are_counted_once_and_read_by_everybody_after_that(store: SqliteSessionStore, counted: list[date]) -> None:
    await begin(store)
    found = await list_all(store)
    assert [day.day for day in found] == days_around(-2, 0, 2)
    assert counted == days_around(-2, -1, 0, 1, 2)  # those before and after what is stored need no look
    assert await list_all(store) == found
    async with SqliteSessionStore(store.path) as other:
        assert await list_all(other) == found
    assert len(counted) == 5


async def test_today_and_later_days_are_never_kept(store: SqliteSessionStore, counted: list[date]) -> None:
    now = utc_now()
    session = await store.create_session(make_session(created_at=now - ONE_DAY))
    await store.append_messages(session.session_id, [make_draft(timestamp=now + days * ONE_DAY) for days in (0, 2)])
    for _ in range(2):
        await store.list_usage(since=now.date() - ONE_DAY, until=now.date() + 9 * ONE_DAY)
    days = [now.date() + number * ONE_DAY for number in (-1, 0, 1, 2)]
    assert counted == days + days[1:]
    assert list(select_kept(store.path)) == [days[0].isoformat()]


CHANGES: list[tuple[str, list[int]]] = [
    (
        "INSERT INTO messages SELECT id + 9, session, id, source, content, timestamp, kind, NULL, metadata FROM messages",
        [-2, 2],
    ),
    ("UPDATE messages SET timestamp = '2026-04-01T00:00:00.000000Z' WHERE timestamp < '2026-03-30'", [-2, 1]),
    ("UPDATE messages SET source = 'bob' WHERE timestamp < '2026-03-30'", [-2]),
    ("DELETE FROM messages WHERE timestamp < '2026-03-30'", [-2]),
    ("UPDATE sessions SET participants = '[]'", [0]),
    ("UPDATE sessions SET status = 'failed'", [0]),
    ("UPDATE sessions SET created_at = '2026-04-01T00:00:00.000000Z'", [0, 1]),
    ("UPDATE sessions SET deleted_at = '2026-05-01'", [-2, 0, 2]),
    ("PRAGMA foreign_keys = OFF; DELETE FROM sessions", [0]),
    ("UPDATE sessions SET title = 'x', tags = '[]', updated_at = '', indexed = 0, message_count = 1, status = status", []),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
async def test_a_change_by_anybody_throws_away_just_the_days_it_touches(
    store: SqliteSessionStore, change: str, expected: list[int]
) -> None:
    await begin(store)
    await list_all(store)
    before = select_kept(store.path)
    connection = apsw.Connection(str(store.path))  # another program, which knows nothing of figures
    connection.execute(change)
    connection.close()
    assert before.keys() - select_kept(store.path).keys() == {day.isoformat() for day in days_around(*expected)}


async def test_removing_for_good_what_was_deleted_costs_no_count(store: SqliteSessionStore, counted: list[date]) -> None:
    session = await begin(store)
    await begin(store)
    await store.delete_session(session.session_id)
    found = await list_all(store)
    counted.clear()
    await store.purge_deleted(before=utc_now() + ONE_DAY)
    assert await list_all(store) == found
    assert counted == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"form": 0}',
        '{"form": 1}',
        '{"form":1,"day":"x","outcomes":[],"agents":{}}',
        "another day",
    ],
)
async def test_what_another_version_kept_or_what_is_damaged_is_counted_anew(
    store: SqliteSessionStore, counted: list[date], text: str
) -> None:
    await begin(store)
    found = await list_all(store)
    before = select_kept(store.path)
    text = before["2026-03-30"] or "" if text == "another day" else text
    connection = apsw.Connection(str(store.path))
    connection.execute("UPDATE usage_days SET document = ? WHERE day = '2026-03-31'", (text,))
    connection.close()
    counted.clear()
    async with SqliteSessionStore(store.path) as other:
        assert await list_all(other) == found
    assert counted == [DAY]
    assert select_kept(store.path) == before


def while_it_counts(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    """Do something just after `DAY` was first counted, in the middle of the look at the database."""
    waiting, real = [work], counting.count_day

    def disturbed(connection: apsw.Connection, day: date) -> UsageDay:
        figures = real(connection, day)
        if day == DAY and waiting:
            waiting.pop()()
        return figures

    monkeypatch.setattr(usage, "count_day", disturbed)


async def test_a_count_that_a_save_has_overtaken_is_not_kept(
    store: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(store)
    other = open_connection(store.path)
    while_it_counts(
        monkeypatch, lambda: messages.append_messages(other, session.session_id, [make_draft(source="bob", timestamp=NOON)])
    )
    await list_all(store)  # what was saved after the call may be missing
    assert DAY.isoformat() not in select_kept(store.path)
    for _ in range(2):
        assert (await list_all(store))[1].agents["bob"].messages == (1,)
    other.close()


async def test_nor_is_it_under_the_claim_of_somebody_who_counts_later(
    store: SqliteSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await begin(store)
    other = open_connection(store.path)

    def save_and_claim() -> None:
        messages.append_messages(other, session.session_id, [make_draft(source="bob", timestamp=NOON)])
        claim_days(other, days=[DAY])

    while_it_counts(monkeypatch, save_and_claim)
    await list_all(store)
    assert select_kept(store.path)[DAY.isoformat()] is None
    assert (await list_all(store))[1].agents["bob"].messages == (1,)
    other.close()


async def test_many_may_count_and_change_at_once(store: SqliteSessionStore) -> None:
    session = await begin(store)
    stores = [SqliteSessionStore(store.path) for _ in range(3)]

    async def save(number: int) -> None:
        writer = stores[number % 3]
        await writer.append_messages(session.session_id, [make_draft(source="bob", timestamp=NOON)])
        (day,) = await stores[(number + 1) % 3].list_usage(since=DAY, until=DAY + ONE_DAY)
        assert sum(day.agents["bob"].messages) > number // 3  # what this task has saved is in it

    async def save_in_turn(first: int) -> None:
        for number in range(first, 60, 3):
            await save(number)

    await asyncio.gather(*map(save_in_turn, range(3)))
    for each in (*stores, store):
        (day,) = await each.list_usage(since=DAY, until=DAY + ONE_DAY)
        assert day.agents["bob"].messages == (60,)
        await each.aclose()


async def test_the_cost_does_not_grow_with_what_lies_outside(tmp_path: Path) -> None:
    """Counted in steps of SQLite's virtual machine, which do not depend on the machine."""

    async def steps_with(outside: int) -> int:
        async with SqliteSessionStore(tmp_path / f"{outside}.sqlite3") as store:
            await begin(store)
            for number in range(outside):
                session = await store.create_session(make_session(created_at=NOON - (20 + number) * ONE_DAY))
                drafts = make_drafts(3, timestamp=NOON - (20 + number) * ONE_DAY)
                await store.append_messages(session.session_id, drafts)
            await store.list_usage(since=DAY - 900 * ONE_DAY, until=DAY + ONE_DAY)
            steps = 0

            def count() -> bool:
                nonlocal steps
                steps += 1
                return False

            def look(connection: apsw.Connection) -> None:
                connection.set_progress_handler(count, 1)
                store._usage._look(connection, since=DAY - 2 * ONE_DAY, until=DAY + 2 * ONE_DAY, today=DAY, may_claim=False)
                counting.list_busiest(connection, since=NOON, until=NOON + ONE_DAY, limit=10)
                connection.set_progress_handler(None)

            await store._readers.run(look)
            return steps

    assert await steps_with(300) <= 1.2 * await steps_with(30)


def test_what_was_read_is_forgotten_when_it_gets_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = open_connection(tmp_path / "c.sqlite3")
    days = [DAY + number * ONE_DAY for number in range(20)]
    claim_days(connection, days=days)
    claims = select_claims(connection, since=DAY, until=DAY + 20 * ONE_DAY)
    counted = [write_day(claim, UsageDay(day, ((0, SessionStatus.FAILED, 1),))) for day, claim in claims.items()]
    keep_days(connection, counted=counted)
    monkeypatch.setattr(kept_days, "_MOST_LETTERS", 5 * len(counted[0].text))
    kept = KeptDays()
    for _ in range(2):
        for claim in select_claims(connection, since=DAY, until=DAY + 20 * ONE_DAY).values():
            figures = kept.find(connection, claim)
            assert figures is not None
            assert kept.find(connection, claim) is figures  # the newest is there, and not read again
    assert len(kept._read) == 5
    connection.close()
