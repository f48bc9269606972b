"""What the store raises, how often it tries before, and what it never says."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import traceback

import pytest

from chatlog import Session
from chatlog.errors import ConfigurationError, ItemTooLarge, StorageDenied, StorageError, StorageFull, StorageUnavailable
from chatlog.storage.cosmos.errors import PASSING_STATUS
from chatlog.storage.cosmos.store import CosmosSessionStore
from chatlog.storage.cosmos.tuning import Tuning
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import KEY, QUICK, settings_for
from tests.factories import make_draft, make_drafts, make_session

OTHER_KEY = "YW5vdGhlciBzZWNyZXQgdGhhdCBtdXN0IG5vdCBiZSBzaG93bg=="
REFUSALS = {400: StorageError, 401: StorageDenied, 403: StorageDenied, 404: StorageError, 413: ItemTooLarge}


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("operation", ["create", "batch", "query", "patch"])
async def test_what_will_not_pass_is_sent_once(
    double: Double, store: CosmosSessionStore, session: Session, status: int, operation: str
) -> None:
    double.inject(operation, "answer", status=status, times=-1, sub_status=1003 if status == 404 else None)
    double.journal.requests.clear()
    with pytest.raises(REFUSALS[status], match=f"127.0.0.1.*{status}"):
        await use(store, session, operation)
    assert double.journal.requests[operation] == 1


@pytest.mark.parametrize("status", sorted(PASSING_STATUS))
@pytest.mark.parametrize("operation", ["query", "patch"])
async def test_what_may_pass_is_tried_a_bounded_number_of_times(
    double: Double, store: CosmosSessionStore, session: Session, status: int, operation: str
) -> None:
    kind = "throttle" if status == 429 else "answer"
    double.inject(operation, kind, status=status, times=-1)
    double.journal.requests.clear()
    with pytest.raises(StorageUnavailable, match=f"127.0.0.1.*{status}") as raised:
        await use(store, session, operation)
    assert double.journal.requests[operation] == QUICK.attempts  # ours alone: the SDK adds none of its own
    assert ("throughput" in str(raised.value)) == (status == 429)


@pytest.mark.parametrize("operation", ["create", "batch"])
@pytest.mark.parametrize("kind", ["answer", "throttle", "refuse"])
async def test_a_save_is_given_up_although_looking_works(
    double: Double, store: CosmosSessionStore, session: Session, kind: str, operation: str
) -> None:
    double.inject(operation, kind, times=-1)
    double.journal.requests.clear()
    with pytest.raises(StorageUnavailable, match="save messages"):
        await use(store, session, operation)
    assert (double.journal.requests[operation], double.journal.requests["query"]) == (QUICK.attempts, QUICK.attempts - 1)


async def test_a_number_that_is_always_taken_is_given_up(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.inject("create", "answer", status=409, times=-1)
    double.journal.requests.clear()
    async with asyncio.timeout(10):
        with pytest.raises(StorageUnavailable, match="other writers were faster"):
            await use(store, session, "create")
    assert double.journal.requests["create"] <= QUICK.turns


@pytest.mark.parametrize("operation", ["create", "batch", "query", "patch", "read"])
@pytest.mark.parametrize("kind", ["refuse", "answer", "throttle", "drop_reply", "garble"])
async def test_a_fault_that_passes_is_not_noticed(
    double: Double, store: CosmosSessionStore, session: Session, operation: str, kind: str
) -> None:
    double.inject(operation, kind, times=2)
    await use(store, session, operation)


@pytest.mark.parametrize("operation", ["read", "patch"])
async def test_a_replica_that_lags_behind_is_not_taken_for_a_missing_session(
    double: Double, store: CosmosSessionStore, session: Session, operation: str
) -> None:
    double.inject(operation, "answer", status=404, sub_status=1002, times=2)
    await use(store, session, operation)
    double.inject(operation, "answer", status=404, sub_status=1002, times=-1)
    with pytest.raises(StorageUnavailable, match="404/1002"):
        await use(store, session, operation)


async def test_a_full_partition_says_so(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.inject("create", "answer", status=403, sub_status=1014)
    with pytest.raises(StorageFull, match="20 GB"):
        await use(store, session, "create")


@pytest.mark.parametrize("operation", ["create", "query", "patch"])
async def test_a_service_that_hangs_is_given_up(double: Double, operation: str) -> None:
    tuning = Tuning(attempt_seconds=0.05, total_seconds=0.2, figures_seconds=600)
    assert Tuning().total_seconds < 10
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK) as quick:
        session = await quick.create_session(make_session())
        async with CosmosSessionStore(quick.settings, tuning=tuning) as store:
            double.inject(operation, "hang", times=-1)
            async with asyncio.timeout(5):
                with pytest.raises(StorageUnavailable, match="in time"):
                    await use(store, session, operation)
            double.journal.faults.clear()
            double.release()


async def test_a_throttled_request_waits_as_long_as_it_was_asked_to(
    double: Double, store: CosmosSessionStore, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("chatlog.storage.cosmos.retrying.asyncio.sleep", note)
    double.inject("create", "throttle", times=2, retry_after_ms=700)
    await store.append_messages(session.session_id, [make_draft()])
    assert waits == [0.7, 0.7]


async def test_a_wrong_key_is_denied_and_never_shown(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "azure")
    store = CosmosSessionStore(settings_for(double.endpoint, key=OTHER_KEY), tuning=QUICK)
    with pytest.raises(StorageDenied, match=r"127\.0\.0\.1.*COSMOSDB_KEY") as raised:
        await store.ping()
    await store.aclose()
    shown = (
        "".join(traceback.format_exception(raised.value)) + caplog.text + repr(store) + repr(store.settings) + repr(vars(store))
    )
    assert OTHER_KEY not in shown
    assert "sig=" not in str(raised.value)


@pytest.mark.parametrize("nonsense", ["not a key!", "c2VjcmV0c2VjcmV0cw=", "秘密"])
async def test_a_key_that_is_none_is_refused_and_not_shown(
    double: Double, caplog: pytest.LogCaptureFixture, nonsense: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "azure")
    store = CosmosSessionStore(settings_for(double.endpoint, key=nonsense), tuning=QUICK)
    with pytest.raises(ConfigurationError, match="COSMOSDB_KEY") as raised:
        await store.ping()
    await store.aclose()
    assert nonsense not in "".join(traceback.format_exception(raised.value)) + caplog.text


async def test_the_right_key_is_in_no_log_line(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "azure")
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK) as store:
        session = await store.create_session(make_session())
        double.inject("*", "answer", times=2)
        await store.append_messages(session.session_id, make_drafts(2))
        await store.list_sessions()
    assert "azure" in {record.name.split(".")[0] for record in caplog.records}
    assert KEY not in caplog.text


async def test_an_address_where_nobody_answers_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        port = taken.getsockname()[1]
        store = CosmosSessionStore(settings_for(f"http://127.0.0.1:{port}"), tuning=QUICK)
        with pytest.raises(StorageUnavailable, match=f"127.0.0.1:{port}.*COSMOSDB_ENDPOINT"):
            async with store:
                pass


async def test_a_store_works_again_after_an_outage_at_its_opening(double: Double) -> None:
    double.inject("*", "refuse", times=-1)
    async with asyncio.timeout(20):
        store = CosmosSessionStore(settings_for(double.endpoint), tuning=QUICK)
        with pytest.raises(StorageUnavailable):
            await store.ping()
        double.journal.faults.clear()
        await store.ping()
        await store.aclose()


@pytest.mark.parametrize("seed", range(3))
async def test_random_faults_lose_double_and_reorder_nothing(
    double: Double, store: CosmosSessionStore, session: Session, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        kind = dice.choice(["drop_reply", "refuse", "answer", "answer_after_commit", "throttle"])
        status = dice.choice([408, 410, 449, 500, 503])
        double.inject(dice.choice(["create", "batch", "query"]), kind, skip=dice.randrange(12), status=status)

    async def write(name: str) -> None:
        for number in range(20):
            draft = make_draft(source=name, content=str(number))
            while True:
                try:
                    await store.append_messages(session.session_id, [draft])
                    break
                except StorageUnavailable:
                    continue

    await asyncio.gather(*(write(f"writer_{number}") for number in range(6)))
    messages = await store.list_messages(session.session_id, limit=1000)
    assert [message.sequence for message in messages] == list(range(1, 121))
    for number in range(6):
        own = [message.content for message in messages if message.source == f"writer_{number}"]
        assert own == [str(n) for n in range(20)]


async def use(store: CosmosSessionStore, session: Session, operation: str) -> None:
    match operation:
        case "create":
            await store.append_messages(session.session_id, [make_draft()])
        case "batch":
            await store.append_messages(session.session_id, make_drafts(2))
        case "query":
            await store.list_messages(session.session_id)
        case "patch":
            await store.update_session(session.session_id, title="x")
        case "read":
            await store.get_session(session.session_id)
