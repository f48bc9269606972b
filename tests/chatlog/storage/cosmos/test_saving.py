"""How many requests a save takes, and what it does when requests fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from azure.cosmos.aio import CosmosClient

from chatlog import IdempotencyConflict, MessageDraft, Session
from chatlog.config import CosmosSettings
from chatlog.errors import InvalidId, StorageUnavailable
from chatlog.storage.cosmos.appender import Appender
from chatlog.storage.cosmos.charges import Meter
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.factories import make_draft, make_drafts, make_session

WRITES = ("create", "batch", "patch", "query", "read")


def sent(double: Double) -> dict[str, int]:
    return {operation: double.journal.requests[operation] for operation in WRITES if double.journal.requests[operation]}


def documents(double: Double, session: Session) -> list[dict]:
    (containers,) = double.gateway.databases.values()
    (container,) = containers.values()
    return [item for item in container.items(key=session.session_id) if item["type"] == "message"]


def assert_stored_once_each(double: Double, session: Session, drafts: Sequence[MessageDraft]) -> None:
    stored = documents(double, session)
    assert sorted(item["sequence"] for item in stored) == list(range(1, len(drafts) + 1))
    assert sorted(item["message_id"] for item in stored) == sorted(draft.message_id for draft in drafts)


async def test_one_writer_needs_one_request_for_each_message(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    double.journal.requests.clear()
    for _ in range(100):
        await store.append_messages(session.session_id, [make_draft()])
    assert sent(double) == {"create": 100}


async def test_a_session_made_elsewhere_is_looked_up_once(double: Double, store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, make_drafts(3))
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        double.journal.requests.clear()
        numbers = [(await other.append_messages(session.session_id, [make_draft()]))[0].sequence for _ in range(5)]
        assert numbers == [4, 5, 6, 7, 8]
        assert sent(double) == {"read": 1, "query": 1, "create": 5}


@pytest.mark.parametrize(("size", "requests"), [(1, 1), (99, 1), (100, 1), (101, 3), (250, 6)])
async def test_a_batch_takes_a_request_per_hundred_and_larger_ones_a_look_ahead(
    double: Double, store: CosmosSessionStore, session: Session, size: int, requests: int
) -> None:
    double.journal.requests.clear()
    stored = await store.append_messages(session.session_id, make_drafts(size))
    assert [message.sequence for message in stored] == list(range(1, size + 1))
    assert sum(sent(double).values()) == requests + (size == 101)  # 101: two looks, a batch and a single create


async def test_saves_that_wait_share_a_request(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.journal.requests.clear()
    saves = [store.append_messages(session.session_id, [make_draft()]) for _ in range(150)]
    stored = await asyncio.gather(*saves)
    assert [message.sequence for (message,) in stored] == list(range(1, 151))
    assert sent(double) == {"batch": 2}


async def test_a_batch_stays_below_two_megabytes(double: Double, store: CosmosSessionStore, session: Session) -> None:
    drafts = [make_draft(content="空" * 60_000) for _ in range(12)]  # 360 kB each, so five fit
    stored = await store.append_messages(session.session_id, drafts)
    assert [message.sequence for message in stored] == list(range(1, 13))
    assert sent(double)["batch"] == 3


async def test_a_thousand_replies_lost_after_commit_lose_and_double_nothing(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    double.inject("create", "drop_reply", times=-1)
    drafts = make_drafts(1_000)
    for number, draft in enumerate(drafts, 1):
        (message,) = await store.append_messages(session.session_id, [draft])
        assert (message.sequence, message.message_id) == (number, draft.message_id)
    assert_stored_once_each(double, session, drafts)
    # One of each, and one for the session: neither the SDK nor anything below it sends a save again behind our back.
    assert sent(double) == {"create": 1_001, "query": 1_000}


async def test_what_the_sdk_sends_again_by_itself_is_stored_once(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to its defaults, the SDK repeats a create whose reply was lost, and shows the 409 that it gets for that."""

    def new_client(settings: CosmosSettings, credential: str, _: Meter) -> CosmosClient:
        return CosmosClient(settings.endpoint, credential, retry_backoff_factor=0)

    monkeypatch.setattr("chatlog.storage.cosmos.client._new_client", new_client)
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK) as store:
        session = await store.create_session(make_session())
        double.journal.requests.clear()
        drafts = make_drafts(20)
        for number, draft in enumerate(drafts, 1):
            double.inject("create", "drop_reply")
            (message,) = await store.append_messages(session.session_id, [draft])
            assert message.sequence == number
    assert double.journal.requests["create"] == 40
    assert_stored_once_each(double, session, drafts)


async def test_the_same_check_fails_for_a_writer_that_does_not_look(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a writer that takes the next number after a failure, as the seed design did."""

    async def take_the_next(appender: Appender, *_: object) -> dict:
        appender._last_number += 1
        return {}

    monkeypatch.setattr(Appender, "_look", take_the_next)
    settings = settings_for(double.endpoint)
    async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as store:
        monkeypatch.setattr("chatlog.storage.cosmos.writers.SessionWriters._must_look_first", lambda *_: False)
        session = await store.create_session(make_session())
        double.inject("create", "drop_reply", times=3)
        drafts = make_drafts(5)
        for draft in drafts:
            await store.append_messages(session.session_id, [draft])
        with pytest.raises(AssertionError):
            assert_stored_once_each(double, session, drafts)


@pytest.mark.parametrize("kind", ["drop_reply", "answer_after_commit", "refuse", "throttle", "answer"])
@pytest.mark.parametrize("size", [1, 7, 230])
async def test_every_third_request_may_fail_in_any_way(
    double: Double, store: CosmosSessionStore, session: Session, kind: str, size: int
) -> None:
    drafts = [make_drafts(size) for _ in range(4)]
    for skip in range(0, 12, 3):
        double.inject("create" if size == 1 else "batch", kind, skip=skip % 5)
        double.inject("query", "answer", status=449, skip=skip)
    for batch in drafts:
        stored = await store.append_messages(session.session_id, batch)
        assert [message.message_id for message in stored] == [draft.message_id for draft in batch]
    assert_stored_once_each(double, session, [draft for batch in drafts for draft in batch])


async def test_sending_again_after_a_failure_stores_once(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.inject("create", "drop_reply", times=-1)
    double.inject("query", "answer", times=-1)
    draft = make_draft()
    with pytest.raises(StorageUnavailable):
        await store.append_messages(session.session_id, [draft])
    double.journal.faults.clear()
    double.journal.requests.clear()
    (message,) = await store.append_messages(session.session_id, [draft])
    assert message.sequence == 1
    assert sent(double) == {"query": 1}  # it looks before it sends again
    assert_stored_once_each(double, session, [draft])


async def test_a_cancelled_caller_leaves_no_write_half_known(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    drafts = make_drafts(3)
    hanging = double.inject("create", "hang")
    saving = asyncio.create_task(store.append_messages(session.session_id, [drafts[0]]))
    await asyncio.to_thread(hanging.began.wait, 10)
    saving.cancel()
    double.release()
    later = [(await store.append_messages(session.session_id, [draft]))[0].sequence for draft in drafts[1:]]
    assert later == [2, 3]
    assert_stored_once_each(double, session, drafts)


async def test_a_save_cancelled_while_it_waits_is_not_stored(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    first, cancelled, last = make_drafts(3)
    tasks = [asyncio.create_task(store.append_messages(session.session_id, [draft])) for draft in (first, cancelled, last)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert_stored_once_each(double, session, [first, last])


async def test_a_large_save_that_has_begun_is_ended_though_its_caller_is_gone(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    drafts = make_drafts(250)
    hanging = double.inject("batch", "hang", skip=1)
    saving = asyncio.create_task(store.append_messages(session.session_id, drafts))
    await asyncio.to_thread(hanging.began.wait, 10)
    saving.cancel()
    double.release()
    await store.aclose()
    assert_stored_once_each(double, session, drafts)


async def test_those_who_wait_behind_an_outage_fail_with_it_and_nothing_is_sent_for_them(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    double.journal.requests.clear()
    outage = double.inject("create", "answer", times=-1)
    double.inject("query", "answer", times=-1)
    first = asyncio.create_task(store.append_messages(session.session_id, [make_draft()]))
    await asyncio.to_thread(outage.began.wait, 10)
    behind = [asyncio.create_task(store.append_messages(session.session_id, [make_draft()])) for _ in range(20)]
    outcomes = await asyncio.gather(first, *behind, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
    assert len({id(outcome) for outcome in outcomes}) == 21
    assert sent(double) == {"create": 1, "query": QUICK.attempts - 1}  # all of them for the first


async def test_a_conflict_deep_in_a_large_call_stores_nothing_of_it(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    (stored,) = await store.append_messages(session.session_id, [make_draft(message_id="mine")])
    with pytest.raises(IdempotencyConflict, match="mine"):
        await store.append_messages(session.session_id, [*make_drafts(240), make_draft(message_id="mine", content="other")])
    assert [item["sequence"] for item in documents(double, session)] == [stored.sequence]


async def test_two_calls_with_one_id_and_two_texts_store_the_first(store: CosmosSessionStore, session: Session) -> None:
    calls = [[make_draft(message_id="x", content="first"), make_draft()], [make_draft(message_id="x", content="second")]]
    outcomes = await asyncio.gather(
        *(store.append_messages(session.session_id, drafts) for drafts in calls), return_exceptions=True
    )
    assert [message.sequence for message in outcomes[0]] == [1, 2]
    assert isinstance(outcomes[1], IdempotencyConflict)


async def test_a_refused_call_claims_no_id_for_itself(store: CosmosSessionStore, session: Session) -> None:
    """The first call fails because of `mine`; the second has `x` for itself then, though the first had it in another text."""
    await store.append_messages(session.session_id, [make_draft(message_id="mine")])
    calls = [[make_draft(message_id="x", content="first"), make_draft(message_id="mine", content="other")]]
    calls += [[make_draft(message_id="x", content="second")]]
    outcomes = await asyncio.gather(
        *(store.append_messages(session.session_id, drafts) for drafts in calls), return_exceptions=True
    )
    assert isinstance(outcomes[0], IdempotencyConflict)
    assert outcomes[1][0].content == "second"


async def test_the_session_s_own_id_is_no_message_id(store: CosmosSessionStore, session: Session) -> None:
    with pytest.raises(InvalidId, match="message_id"):
        await store.append_messages(session.session_id, [make_draft(message_id=session.session_id)])


async def test_a_container_without_the_unique_key_stores_once_all_the_same(
    double: Double, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(double.endpoint)
    async with create_container(settings, unique_keys=False), CosmosSessionStore(settings, tuning=QUICK) as store:
        assert "no unique key on /message_id" in caplog.text
        session = await store.create_session(make_session())
        drafts = make_drafts(5)
        double.inject("create", "drop_reply", times=2)
        double.inject("batch", "drop_reply", times=1)
        await store.append_messages(session.session_id, [drafts[0]])
        await store.append_messages(session.session_id, drafts[1:4])
        async with CosmosSessionStore(settings, tuning=QUICK) as other:
            again = await other.append_messages(session.session_id, drafts)
        assert [message.sequence for message in again] == [1, 2, 3, 4, 5]
        assert_stored_once_each(double, session, drafts)
