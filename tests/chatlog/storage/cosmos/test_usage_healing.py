"""Finished days are kept on Cosmos DB, and never believed when they are not true any more, whoever changed what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chatlog import SessionStatus
from chatlog.domain.clock import utc_now
from chatlog.domain.usage import UsageDay
from chatlog.errors import StorageDenied, StorageUnavailable
from chatlog.storage.cosmos import usage, usage_changes, usage_days, usage_healing
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.cosmos.usage_mark import MARK_ID, PARTITION
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.cosmos.usage_by_hand import count_by_hand, list_everything
from tests.factories import make_draft, make_session

DAY = date(2024, 11, 20)
NOON = datetime(2024, 11, 20, 12, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
UNTIL = DAY + 3 * ONE_DAY


@pytest.fixture
def container(double: Double, store: CosmosSessionStore) -> Container:
    return double.gateway.databases[store.settings.database_name][store.settings.container_name]


@pytest.fixture
async def other(store: CosmosSessionStore) -> AsyncIterator[CosmosSessionStore]:
    """Another process."""
    async with CosmosSessionStore(store.settings, tuning=QUICK) as opened:
        yield opened


def let_pass(container: Container, *, seconds: float = 3600) -> None:
    """Make everything that is stored that much older."""
    for item in container.items():
        item["_ts"] -= int(seconds)


def kept_in(container: Container) -> set[str]:
    """The days that are kept, be it under an era that has passed."""
    return {item["day"] for item in container.items(key=PARTITION) if item["type"] == "usage_day" and item["era"]}


def mark_of(container: Container) -> dict[str, Any]:
    return container.read(PARTITION, MARK_ID)


async def list_days(store: CosmosSessionStore, since: date = DAY, until: date = UNTIL) -> list[UsageDay]:
    """What the store says, which is what it is by hand."""
    days = await store.list_usage(since=since, until=until)
    assert days == await count_by_hand(store, since, until)
    return days


async def talk(store: CosmosSessionStore, *moments: datetime, **overrides: Any) -> str:
    session = await store.create_session(make_session(created_at=moments[0]))
    for moment in moments:
        await store.append_messages(session.session_id, [make_draft(timestamp=moment, **overrides)])
    await store.recount_session(session.session_id)
    return session.session_id


async def settle(store: CosmosSessionStore, container: Container) -> None:
    """Everything is kept and quiet."""
    let_pass(container)
    await list_days(store)
    let_pass(container)
    await list_days(store)
    assert len(kept_in(container)) == 3


async def test_finished_days_are_kept_empty_ones_too_and_today_is_not(store: CosmosSessionStore, container: Container) -> None:
    today = utc_now().date()
    await talk(store, NOON)
    await talk(store, utc_now())
    let_pass(container)
    for _ in range(2):
        assert [day.day for day in await list_days(store, today - ONE_DAY, today + ONE_DAY)] == [today]
        assert [day.day for day in await list_days(store)] == [DAY]
    assert kept_in(container) == {str(day) for day in (today - ONE_DAY, DAY, DAY + ONE_DAY, DAY + 2 * ONE_DAY)}


async def test_nothing_else_sees_what_is_kept(store: CosmosSessionStore, container: Container) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    assert [session.session_id for session in await list_everything(store)] == [session_id]
    assert all("/" in item["session_id"] for item in container.items() if item["session_id"] != session_id)
    await store.delete_session(session_id)
    assert await store.purge_deleted(before=utc_now()) == 1
    assert {item["session_id"] for item in container.items()} == {PARTITION}


async def say_later(store: CosmosSessionStore, session_id: str) -> None:
    await store.append_messages(session_id, [make_draft(timestamp=NOON + ONE_DAY, source="late")])


async def end(store: CosmosSessionStore, session_id: str) -> None:
    await store.update_session(session_id, status=SessionStatus.FAILED)


async def recount(store: CosmosSessionStore, session_id: str) -> None:
    await store.append_messages(session_id, [make_draft(timestamp=utc_now(), source="newcomer")])
    await store.recount_session(session_id)


async def delete(store: CosmosSessionStore, session_id: str) -> None:
    await store.delete_session(session_id)


async def begin_another(store: CosmosSessionStore, session_id: str) -> None:
    del session_id
    await store.create_session(make_session(created_at=NOON + 2 * ONE_DAY))


@pytest.mark.parametrize("change", [say_later, end, recount, delete, begin_another])
async def test_a_change_by_another_process_is_in_the_next_figures(
    store: CosmosSessionStore, other: CosmosSessionStore, container: Container, change: Callable[..., Awaitable[None]]
) -> None:
    session_id = await talk(store, NOON, NOON + 2 * ONE_DAY)
    await settle(store, container)
    before = await list_days(store)
    await change(other, session_id)
    assert await list_days(store) != before
    await settle(store, container)


@pytest.mark.parametrize("expires", [True, False])
async def test_a_restored_session_is_counted_again_on_all_its_days(double: Double, *, expires: bool) -> None:
    chosen = settings_for(double.endpoint)
    properties = {"default_ttl": -1} if expires else {}
    async with create_container(chosen, **properties), CosmosSessionStore(chosen, tuning=QUICK) as store:
        container = double.gateway.databases[chosen.database_name][chosen.container_name]
        session_id = await talk(store, NOON - 9 * ONE_DAY, NOON, NOON + 2 * ONE_DAY)
        await settle(store, container)
        await store.delete_session(session_id)
        assert await list_days(store) == []
        await settle(store, container)
        await store.restore_session(session_id)
        assert [day.day for day in await list_days(store)] == [DAY, DAY + 2 * ONE_DAY]
        await settle(store, container)


async def test_a_restoring_that_others_look_into_ends_with_the_right_figures(
    store: CosmosSessionStore, other: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await talk(store, NOON - 9 * ONE_DAY, NOON)
    await store.delete_session(session_id)
    await settle(store, container)
    from chatlog.storage.cosmos import deleting

    keep_messages = deleting._keep_messages

    async def look_meanwhile(calls, session_id):
        await keep_messages(calls, session_id)
        await settle(other, container)  # messages are back, the session is not yet

    monkeypatch.setattr(deleting, "_keep_messages", look_meanwhile)
    await store.restore_session(session_id)
    assert [day.day for day in await list_days(other)] == [DAY]


async def test_what_is_purged_before_anybody_looked_is_not_counted(store: CosmosSessionStore, container: Container) -> None:
    session_id = await talk(store, NOON - 9 * ONE_DAY, NOON)
    await talk(store, NOON + ONE_DAY)
    await settle(store, container)
    await store.delete_session(session_id)
    assert await store.purge_deleted(before=utc_now()) == 1
    assert [day.day for day in await list_days(store)] == [DAY + ONE_DAY]


async def test_a_purge_of_what_was_looked_at_forgets_nothing(
    double: Double, store: CosmosSessionStore, container: Container
) -> None:
    await store.delete_session(await talk(store, NOON))
    await settle(store, container)
    double.journal.requests.clear()
    assert await store.purge_deleted(before=utc_now()) == 1
    assert double.journal.requests == {"read": 1, "query": 2, "delete": 2}  # the read is the mark
    assert len(kept_in(container)) == 3


async def test_many_purged_sessions_begin_a_new_era(
    store: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_healing, "MOST_SESSIONS", 2)
    ids = [await talk(store, NOON) for _ in range(4)]
    await settle(store, container)
    era = mark_of(container)["era"]
    for session_id in ids[:3]:
        await store.delete_session(session_id)
    await store.purge_deleted(before=utc_now())
    assert mark_of(container)["era"] != era
    await list_days(store)


async def test_what_expired_while_nobody_looked_is_not_counted(store: CosmosSessionStore, container: Container) -> None:
    session_id = await talk(store, NOON, NOON + ONE_DAY)
    await settle(store, container)
    await store.delete_session(session_id)
    let_pass(container, seconds=8 * 86_400)  # the session and its messages are gone without a trace
    assert await list_days(store) == []


async def test_a_lost_mark_makes_everything_that_was_kept_void(store: CosmosSessionStore, container: Container) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    container.delete(PARTITION, MARK_ID)
    await say_later(store, session_id)
    let_pass(container)
    await list_days(store, DAY, DAY + ONE_DAY)  # begins a new mark, and does not look at the other days
    assert len(await list_days(store)) == 2
    await settle(store, container)


@pytest.mark.parametrize("values", [{"era": None}, {"covers_until": "soon"}, {"covers_until": 5}, {"covers_until": None}])
async def test_a_damaged_mark_is_replaced(store: CosmosSessionStore, container: Container, values: dict[str, Any]) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    mark_of(container).update(values)
    await say_later(store, session_id)
    assert len(await list_days(store)) == 2
    await settle(store, container)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "null",
        "[]",
        "5",
        '{"form": 99}',
        '{"form": 1}',
        '{"form": 1, "day": "2024-11-21", "outcomes": [], "agents": {}}',
        '{"form": 1, "day": "2024-11-20", "outcomes": [[0, "odd", 1]], "agents": {}}',
        '{"form": 1, "day": "2024-11-20", "outcomes": [], "agents": {"a": {"sessions": [1], "quarters": []}}}',
        '{"form": 1, "day": "2024-11-20", "outcomes": [], "agents": {"a": 5}}',
        None,
        7,
    ],
)
async def test_a_kept_day_of_another_form_or_none_is_counted_anew(
    store: CosmosSessionStore, container: Container, content: object
) -> None:
    await talk(store, NOON)
    await settle(store, container)
    item = container.read(PARTITION, f"usage_day_{DAY}")
    good, item["content"] = item["content"], content
    await list_days(store)
    assert container.read(PARTITION, f"usage_day_{DAY}")["content"] == good


async def test_thirty_kept_days_cost_the_same_however_much_lies_outside(
    double: Double, store: CosmosSessionStore, container: Container
) -> None:
    until = DAY + 30 * ONE_DAY
    for number in range(30):
        await talk(store, NOON + number * ONE_DAY)
    costs = []
    for _ in range(2):
        for _ in range(2):
            let_pass(container)
            await list_days(store, DAY, until)
        double.journal.requests.clear()
        double.journal.units = 0
        await store.list_usage(since=DAY, until=until)
        costs.append((dict(double.journal.requests), double.journal.units))
        for number in range(60):
            await talk(store, NOON - number * ONE_DAY - ONE_DAY)
    assert costs[0] == costs[1]
    assert costs[0] == ({"read": 1, "query": 2}, 1 + 2.5 + 30 * 0.5 + 2.5)  # the mark, the days, and what has changed


async def test_a_long_silence_is_asked_for_again_and_not_kept(
    double: Double, store: CosmosSessionStore, container: Container
) -> None:
    since, until = DAY - 3_000 * ONE_DAY, DAY + 200 * ONE_DAY
    await talk(store, NOON, NOON + 30 * ONE_DAY)
    for _ in range(2):
        let_pass(container)
        await list_days(store, since, until)
    assert kept_in(container) == {str(DAY + number * ONE_DAY) for number in range(31)}
    double.journal.requests.clear()
    await store.list_usage(since=since, until=until)
    assert double.journal.requests == {"read": 1, "query": 2 + 2 * 2}  # two for the silence before, and two for that after


async def test_the_mark_follows_once_a_minute(double: Double, store: CosmosSessionStore, container: Container) -> None:
    await talk(store, NOON)
    await settle(store, container)
    let_pass(container, seconds=61)
    double.journal.requests.clear()
    for _ in range(3):
        await store.list_usage(since=DAY, until=UNTIL)
    assert double.journal.requests == {"read": 3, "query": 6, "patch": 1}


async def test_a_day_that_was_touched_just_now_is_not_kept_yet(
    double: Double, store: CosmosSessionStore, container: Container
) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    await say_later(store, session_id)
    for _ in range(2):
        double.journal.requests.clear()
        await list_days(store)
        assert double.journal.requests["upsert"] == 1
        assert not {"create", "patch"} & set(double.journal.requests)
        assert kept_in(container) == {str(DAY), str(DAY + 2 * ONE_DAY)}
    await settle(store, container)


@pytest.mark.parametrize("looks", [0, 1, 2, 3])
async def test_what_is_said_while_a_day_is_counted_is_not_lost(
    store: CosmosSessionStore, other: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """Somebody else looks at it, and moves the mark past it, before the first one keeps what it counted."""
    session_id = await talk(store, NOON)
    let_pass(container)
    count_days = usage.count_days

    async def be_slow(*args, **values):
        counted = await count_days(*args, **values)
        monkeypatch.setattr(usage, "count_days", count_days)
        await say_later(other, session_id)
        for _ in range(looks):
            await other.list_usage(since=DAY, until=UNTIL)
            let_pass(container)
        return counted

    monkeypatch.setattr(usage, "count_days", be_slow)
    await store.list_usage(since=DAY, until=UNTIL)
    for one in (store, other):
        assert len(await list_days(one)) == 2
    await settle(store, container)


async def test_a_day_that_another_one_kept_meanwhile_stays(
    store: CosmosSessionStore, other: CosmosSessionStore, container: Container
) -> None:
    await talk(store, NOON)
    let_pass(container)
    await asyncio.gather(*(one.list_usage(since=DAY, until=UNTIL) for one in (store, other) for _ in range(5)))
    await settle(store, container)


async def test_a_look_that_took_too_long_does_not_move_the_mark(
    store: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talk(store, NOON)
    await settle(store, container)
    let_pass(container)
    monkeypatch.setattr(usage_healing, "LONGEST_LOOK", -1.0)
    before = mark_of(container)["_etag"]
    await list_days(store)
    assert mark_of(container)["_etag"] == before


async def test_more_changes_than_are_looked_into_begin_a_new_era(
    store: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    eras = {mark_of(container)["era"]}
    for limit in ((usage_changes, "MOST_CHANGES"), (usage_changes, "MOST_SESSIONS"), (usage_healing, "MOST_FORGOTTEN")):
        with monkeypatch.context() as patched:
            patched.setattr(*limit, 0)
            await store.delete_session(session_id)
            assert await list_days(store) == []
            await store.restore_session(session_id)
            assert len(await list_days(store)) == 1
        eras.add(mark_of(container)["era"])
    assert len(eras) == 4
    await settle(store, container)


async def test_a_day_over_the_limit_of_an_item_is_counted_each_time(
    store: CosmosSessionStore, container: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await talk(store, NOON)
    monkeypatch.setattr(usage_days.limits, "MAX_ITEM_BYTES", 300)
    let_pass(container)
    await list_days(store)
    assert kept_in(container) == {str(DAY + ONE_DAY), str(DAY + 2 * ONE_DAY)}
    assert f"{DAY} are not kept" in caplog.text


WRITES = ("create", "upsert", "patch")


async def test_who_may_only_read_gets_figures_and_is_told_once(
    double: Double, store: CosmosSessionStore, other: CosmosSessionStore, container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    session_id = await talk(store, NOON)
    let_pass(container)
    for write in WRITES:
        double.inject(write, "answer", status=403, times=-1)
    for _ in range(3):
        await list_days(store)
    assert caplog.text.count("counted each time") == 1
    assert container.items(key=PARTITION) == []
    double.journal.faults.clear()
    await settle(other, container)
    await say_later(other, session_id)
    for write in WRITES:
        double.inject(write, "answer", status=403, times=-1)
    assert len(await list_days(store)) == 2  # what others kept is used, and not believed where it has changed
    assert caplog.text.count("counted each time") == 1
    double.journal.faults.clear()
    await settle(other, container)


@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "garble", "answer_after_commit", "throttle"])
@pytest.mark.parametrize("operation", ["read", "query", *WRITES])
async def test_a_fault_that_passes_changes_nothing(
    double: Double, store: CosmosSessionStore, container: Container, operation: str, kind: str
) -> None:
    session_id = await talk(store, NOON)
    let_pass(container)
    for skip in range(3):
        fault = double.inject(operation, kind, skip=skip, status=503)
        await list_days(store)
        if fault in double.journal.faults:
            double.journal.faults.remove(fault)
        await say_later(store, session_id)
        await list_days(store)
        let_pass(container, seconds=600)
    await settle(store, container)


@pytest.mark.parametrize("operation", WRITES)
async def test_a_fault_that_stays_costs_the_keeping_only(
    double: Double, store: CosmosSessionStore, container: Container, caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    session_id = await talk(store, NOON)
    if operation == "patch":
        await settle(store, container)
        let_pass(container)
    fault = double.inject(operation, "answer", status=503, times=-1)
    await list_days(store)
    assert "could not be kept this time" in caplog.text
    double.journal.faults.remove(fault)
    await say_later(store, session_id)
    assert len(await list_days(store)) == 2
    await settle(store, container)


@pytest.mark.parametrize("skip", [0, 1])
async def test_a_day_that_could_not_be_forgotten_keeps_the_mark_where_it_is(
    double: Double, store: CosmosSessionStore, container: Container, skip: int
) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    await store.append_messages(session_id, [make_draft(timestamp=NOON), make_draft(timestamp=NOON + ONE_DAY)])
    let_pass(container, seconds=300)
    fault = double.inject("upsert", "answer", status=400, times=-1, skip=skip)
    await list_days(store)
    double.journal.faults.remove(fault)
    assert kept_in(container) > {str(DAY + 2 * ONE_DAY)}  # of the others one is stale at least, and not believed
    assert len(await list_days(store)) == 2


async def test_what_a_replica_showed_late_is_seen_all_the_same(store: CosmosSessionStore, container: Container) -> None:
    session_id = await talk(store, NOON)
    await settle(store, container)
    before = {item["id"] for item in container.items()}
    await say_later(store, session_id)
    (late,) = (item for item in container.items() if item["id"] not in before)
    late["_ts"] = mark_of(container)["_ts"] - 170  # stored before the mark was moved, and seen by nobody then
    assert len(await list_days(store)) == 2


async def test_a_day_that_the_mark_does_not_cover_is_not_kept(
    double: Double, store: CosmosSessionStore, container: Container
) -> None:
    await talk(store, NOON)
    await settle(store, container)
    for number in range(3):
        container.delete(PARTITION, f"usage_day_{DAY + number * ONE_DAY}")
    mark_of(container)["covers_until"] = str(DAY + ONE_DAY)
    fault = double.inject("patch", "answer", status=503, times=-1)
    await list_days(store)
    assert kept_in(container) == {str(DAY)}  # of the others, nobody would look for changes
    double.journal.faults.remove(fault)
    await settle(store, container)


async def test_what_cannot_be_read_is_an_error(double: Double, store: CosmosSessionStore, container: Container) -> None:
    await talk(store, NOON)
    for operation, status, expected in (("query", 503, StorageUnavailable), ("read", 403, StorageDenied)):
        fault = double.inject(operation, "answer", status=status, times=-1)
        with pytest.raises(expected):
            await store.list_usage(since=DAY, until=UNTIL)
        double.journal.faults.remove(fault)


async def test_figures_are_kept_as_one_text_that_no_index_takes_apart(store: CosmosSessionStore, container: Container) -> None:
    await talk(store, NOON, source="空間")
    await settle(store, container)
    item = container.read(PARTITION, f"usage_day_{DAY}")
    assert list(json.loads(item["content"])["agents"]) == ["空間"]
    assert {type(value) for name, value in item.items() if not name.startswith("_")} == {str}
