"""Deleting on Cosmos DB: hidden at once, removed by the service, restored from wherever it was interrupted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from chatlog import Session, SessionNotFound, StorageError
from chatlog.domain import limits
from chatlog.domain.clock import to_timestamp, utc_now
from chatlog.errors import SessionDeleted
from chatlog.storage.cosmos import deleting
from chatlog.storage.cosmos.deleting import TTL
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.containers import Container
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, create_container, settings_for
from tests.factories import make_draft, make_drafts, make_session


@pytest.fixture
def container(double: Double, store: CosmosSessionStore) -> Container:
    return double.gateway.databases[store.settings.database_name][store.settings.container_name]


@pytest.fixture
async def session(store: CosmosSessionStore) -> Session:
    made = await store.create_session(make_session(title="A title"))
    await store.append_messages(made.session_id, make_drafts(20))
    return await store.recount_session(made.session_id)


def lifetimes(container: Container, session: Session) -> set[int | None]:
    return {item.get("ttl") for item in container.items(key=session.session_id)}


async def test_the_service_removes_what_was_deleted(store: CosmosSessionStore, container: Container, session: Session) -> None:
    await store.delete_session(session.session_id)
    assert lifetimes(container, session) == {TTL}
    container.seconds_ahead = limits.UNDO_PERIOD.total_seconds()
    assert len(container.items(key=session.session_id)) == 21
    container.seconds_ahead = TTL + 1
    assert container.items(key=session.session_id) == []
    with pytest.raises(SessionNotFound) as raised:
        await store.get_session(session.session_id)
    assert not isinstance(raised.value, SessionDeleted)


async def test_a_restored_session_does_not_expire(store: CosmosSessionStore, container: Container, session: Session) -> None:
    await store.delete_session(session.session_id)
    assert await store.restore_session(session.session_id) == session
    assert lifetimes(container, session) == {None}
    assert "deleted_at" not in container.read(session.session_id, session.session_id)


@pytest.mark.parametrize("skip", [0, 1, 7, 19, 20, 21])
async def test_a_deletion_that_is_interrupted_anywhere_is_ended_by_repeating_it(
    double: Double, store: CosmosSessionStore, container: Container, session: Session, skip: int
) -> None:
    double.inject("patch", "answer", status=403, times=100, skip=skip)
    if skip == 0:
        with pytest.raises(StorageError):
            await store.delete_session(session.session_id)
        assert await store.get_session(session.session_id) == session
    else:
        await store.delete_session(session.session_id)
        with pytest.raises(SessionDeleted):
            await store.get_session(session.session_id)
    double.journal.faults.clear()
    await store.delete_session(session.session_id)
    assert lifetimes(container, session) == {TTL}


@pytest.mark.parametrize("skip", [0, 1, 7, 19, 20])
async def test_a_restoring_that_is_interrupted_anywhere_is_ended_by_repeating_it(
    double: Double, store: CosmosSessionStore, container: Container, session: Session, skip: int
) -> None:
    await store.delete_session(session.session_id)
    double.inject("patch", "answer", status=403, times=100, skip=skip)
    with pytest.raises(StorageError):
        await store.restore_session(session.session_id)
    double.journal.faults.clear()
    with pytest.raises(SessionDeleted):  # the session's document comes last
        await store.get_session(session.session_id)
    assert await store.restore_session(session.session_id) == session
    assert lifetimes(container, session) == {None}


@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "answer_after_commit"])
async def test_a_lost_reply_does_no_harm(
    double: Double, store: CosmosSessionStore, container: Container, session: Session, kind: str
) -> None:
    for skip in (0, 5, 20, 21):
        double.inject("patch", kind, skip=skip)
        await store.delete_session(session.session_id)
        assert lifetimes(container, session) == {TTL}
        double.inject("patch", kind, skip=skip)
        assert await store.restore_session(session.session_id) == session
        assert lifetimes(container, session) == {None}
        double.journal.faults.clear()


async def test_restoring_wins_over_a_deletion_that_is_not_through_yet(
    store: CosmosSessionStore, container: Container, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_messages = deleting._change_messages

    async def restore_meanwhile(calls, query, change):
        monkeypatch.setattr(deleting, "_change_messages", change_messages)
        await store.restore_session(session.session_id)
        await change_messages(calls, query, change)

    monkeypatch.setattr(deleting, "_change_messages", restore_meanwhile)
    await store.delete_session(session.session_id)
    assert await store.get_session(session.session_id) == session
    assert lifetimes(container, session) == {None}


async def test_a_purge_ends_what_was_interrupted(
    double: Double, store: CosmosSessionStore, container: Container, session: Session
) -> None:
    kept = await store.create_session(make_session())
    double.inject("patch", "answer", status=403, times=100, skip=5)
    await store.delete_session(session.session_id)
    double.journal.faults.clear()
    assert await store.purge_deleted(before=utc_now() - timedelta(minutes=1)) == 0
    assert await store.purge_deleted(before=utc_now()) == 1
    assert container.items(key=session.session_id) == []
    assert await store.get_session(kept.session_id) == kept


async def test_a_purge_that_is_interrupted_goes_on(
    double: Double, store: CosmosSessionStore, container: Container, session: Session
) -> None:
    await store.delete_session(session.session_id)
    double.inject("delete", "answer", status=403, times=100, skip=9)
    with pytest.raises(StorageError):
        await store.purge_deleted(before=utc_now())
    double.journal.faults.clear()
    double.inject("delete", "drop_reply", skip=3)
    assert await store.purge_deleted(before=utc_now()) == 1
    assert container.items(key=session.session_id) == []


@pytest.fixture
async def lasting_store(double: Double) -> AsyncIterator[CosmosSessionStore]:
    """In a container without time to live."""
    settings = settings_for(double.endpoint)
    async with create_container(settings), CosmosSessionStore(settings, tuning=QUICK) as opened:
        yield opened


async def test_without_time_to_live_a_purge_removes_it(double: Double, lasting_store: CosmosSessionStore) -> None:
    session = await lasting_store.create_session(make_session())
    await lasting_store.append_messages(session.session_id, make_drafts(3))
    double.journal.requests.clear()
    await lasting_store.delete_session(session.session_id)
    assert double.journal.requests == {"read": 1, "patch": 1}
    assert await lasting_store.purge_deleted(before=utc_now()) == 1
    assert double.gateway.databases["tests"][lasting_store.settings.container_name].items() == []


async def test_what_a_writer_does_meanwhile_brings_nothing_back(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as writer:
        await writer.append_messages(session.session_id, [make_draft()])
        await store.delete_session(session.session_id)
        await writer.append_messages(session.session_id, [make_draft()])
    with pytest.raises(SessionDeleted):  # closing the writer brought the figures up to date
        await store.get_session(session.session_id)
    with pytest.raises(SessionDeleted):
        await store.recount_session(session.session_id)
    assert (await store.list_sessions()).items == ()
    assert (await store.restore_session(session.session_id)).message_count == 22


async def test_after_the_time_to_undo_it_is_gone(store: CosmosSessionStore, container: Container, session: Session) -> None:
    await store.delete_session(session.session_id)
    item = container.read(session.session_id, session.session_id)
    item["deleted_at"] = to_timestamp(utc_now() - limits.UNDO_PERIOD)
    for call in (store.restore_session, store.get_session):
        with pytest.raises(SessionNotFound) as raised:
            await call(session.session_id)
        assert not isinstance(raised.value, SessionDeleted)


async def test_it_says_that_not_everything_expires_yet(
    double: Double, store: CosmosSessionStore, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    double.inject("patch", "answer", status=403, times=100, skip=3)
    await store.delete_session(session.session_id)
    assert "not all of it expires" in caplog.text
