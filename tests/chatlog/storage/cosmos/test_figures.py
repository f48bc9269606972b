"""The session's document: count, last time and speakers follow what was saved, and never stand in its way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chatlog import MessageDraft, Session, SessionNotFound
from chatlog.errors import StorageCorrupt
from chatlog.storage.cosmos.figures import Figures
from chatlog.storage.cosmos.store import CosmosSessionStore
from tests.cosmos.double.server import Double
from tests.cosmos.fixtures import QUICK, settings_for
from tests.factories import make_draft, make_drafts, make_message, make_session

FOLLOWING = replace(QUICK, figures_seconds=0.02)


async def test_figures_follow_by_themselves(double: Double) -> None:
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=FOLLOWING) as store:
        session = await store.create_session(make_session())
        await store.append_messages(session.session_id, make_drafts(3, source="one"))
        async with asyncio.timeout(10):
            while (found := await store.get_session(session.session_id)).message_count != 3:
                pass  # each look is a request, and so leaves the others their time
        assert found.participants == ("one",)
        assert found.updated_at > session.updated_at


async def test_figures_follow_when_the_store_is_closed(double: Double, store: CosmosSessionStore, session: Session) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        drafts = make_drafts(2, source="other")
        await other.append_messages(session.session_id, drafts)
        assert (await store.get_session(session.session_id)).message_count == 0
    closed = await store.get_session(session.session_id)
    assert (closed.message_count, closed.last_message_at) == (2, drafts[1].timestamp)


async def test_saving_a_lot_changes_the_document_once(double: Double, store: CosmosSessionStore, session: Session) -> None:
    double.journal.requests.clear()
    for _ in range(50):
        await store.append_messages(session.session_id, [make_draft()])
    await store.aclose()
    assert double.journal.requests["patch"] == 1


async def test_closing_without_a_save_changes_nothing(double: Double, store: CosmosSessionStore, session: Session) -> None:
    await store.list_messages(session.session_id)
    double.journal.requests.clear()
    await store.aclose()
    assert not double.journal.requests


async def test_a_document_that_cannot_be_changed_fails_no_save(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=FOLLOWING) as store:
        session = await store.create_session(make_session())
        double.inject("patch", "answer", status=403)
        second = double.inject("patch", "answer", status=403)
        (message,) = await store.append_messages(session.session_id, [make_draft()])
        await asyncio.to_thread(second.began.wait, 10)
        assert message.sequence == 1
        double.journal.faults.clear()
    assert "will follow later" in caplog.text
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        assert (await other.get_session(session.session_id)).message_count == 1


async def test_a_session_deleted_meanwhile_is_not_made_again(
    double: Double, store: CosmosSessionStore, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    await store.append_messages(session.session_id, [make_draft()])
    container = double.gateway.databases[store.settings.database_name][store.settings.container_name]
    container.delete(session.session_id, session.session_id)
    with pytest.raises(SessionNotFound):
        await store.update_session(session.session_id, title="x")
    await store.aclose()
    assert "cannot be stored" in caplog.text
    assert [item["type"] for item in container.items(key=session.session_id)] == ["message"]


async def test_a_recount_makes_up_for_a_writer_that_was_killed(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    killed = CosmosSessionStore(store.settings, tuning=QUICK)
    drafts = [make_draft(source=name) for name in ("a", "b", "a")]
    await killed.append_messages(session.session_id, drafts)
    (place,) = killed._connections._places.values()  # as after kill -9: nothing is brought up to date
    place.connection.writers._writers.clear()
    await killed.aclose()
    assert (await store.get_session(session.session_id)).message_count == 0
    recounted = await store.recount_session(session.session_id)
    assert (recounted.message_count, recounted.participants) == (3, ("a", "b"))
    assert recounted.last_message_at == max(draft.timestamp for draft in drafts)
    assert await store.get_session(session.session_id) == recounted


async def test_a_change_by_two_at_once_keeps_both(double: Double, store: CosmosSessionStore, session: Session) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        await asyncio.gather(
            store.update_session(session.session_id, title="title"), other.update_session(session.session_id, tags=["tag"])
        )
    final = await store.get_session(session.session_id)
    assert (final.title, final.tags) == ("title", ("tag",))


async def test_a_late_clock_does_not_turn_the_time_back(store: CosmosSessionStore) -> None:
    session = await store.create_session(make_session())
    later = session.created_at + timedelta(hours=1)
    await store.append_messages(session.session_id, [make_draft(timestamp=later)])
    await store.append_messages(session.session_id, [make_draft(timestamp=session.created_at)])
    assert (await store.update_session(session.session_id, title="x")).last_message_at == later


def moments(session: Session, *seconds: int) -> list[MessageDraft]:
    return [make_draft(timestamp=session.created_at + timedelta(seconds=number)) for number in seconds]


async def test_activity_follows_what_was_saved(store: CosmosSessionStore, session: Session) -> None:
    await store.append_messages(session.session_id, moments(session, 0, 1, 1))
    await store.update_session(session.session_id, title="x")
    await store.append_messages(session.session_id, moments(session, 3))
    assert (await store.update_session(session.session_id, title="y")).activity.counts == (1, 2, 0, 1)


@pytest.mark.parametrize("kind", ["drop_reply", "refuse", "answer_after_commit"])
async def test_activity_counts_nothing_twice(double: Double, store: CosmosSessionStore, session: Session, kind: str) -> None:
    drafts = moments(session, 0, 1)
    double.inject("batch", kind)
    await store.append_messages(session.session_id, drafts)
    double.inject("patch", kind)
    assert (await store.update_session(session.session_id, title="x")).activity.counts == (1, 1)
    await store.append_messages(session.session_id, drafts)  # once more, by the same writer and by another one
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        await other.append_messages(session.session_id, drafts)
    assert (await store.update_session(session.session_id, title="y")).activity.counts == (1, 1)


@pytest.mark.parametrize("kind", ["drop_reply", "answer_after_commit"])
async def test_a_change_whose_reply_was_lost_is_made_once(
    double: Double, store: CosmosSessionStore, session: Session, kind: str
) -> None:
    await store.append_messages(session.session_id, moments(session, 0, 1))
    fault = double.inject("patch", kind)
    assert (await store.update_session(session.session_id, title="x")).activity.counts == (1, 1)
    assert fault.times == 0
    assert (await store.get_session(session.session_id)).activity.counts == (1, 1)


def test_a_recount_adds_what_was_saved_since_the_messages_were_read() -> None:
    session = make_session()
    messages = [
        make_message(sequence=number, message_id=f"m{number}", timestamp=session.created_at + timedelta(seconds=number))
        for number in (1, 2, 3)
    ]
    figures = Figures()
    figures.note(messages, new_ids=("m1", "m3"))
    recounted = figures.recounted(session, messages[:1], figures.pending())
    assert (recounted.message_count, recounted.activity.counts) == (3, (0, 1, 1, 1))
    figures.settle(figures.pending())
    assert figures.added_to(session, figures.pending()).activity.counts == ()


async def test_activity_of_two_writers_adds_up(store: CosmosSessionStore, session: Session) -> None:
    async with CosmosSessionStore(store.settings, tuning=QUICK) as other:
        for number in range(5):
            await store.append_messages(session.session_id, moments(session, number))
            await other.append_messages(session.session_id, moments(session, number))
        await other.update_session(session.session_id, title="x")
        assert (await store.update_session(session.session_id, title="y")).activity.counts == (2, 2, 2, 2, 2)


async def test_a_recount_rebuilds_activity_and_knows_what_is_saved_meanwhile(
    double: Double, store: CosmosSessionStore, session: Session
) -> None:
    await store.append_messages(session.session_id, moments(session, 0, 0, 5))
    await store.update_session(session.session_id, title="x")
    container = double.gateway.databases[store.settings.database_name][store.settings.container_name]
    container.patch(
        session.session_id,
        session.session_id,
        {"operations": [{"op": "set", "path": "/activity", "value": {"width": 4.0, "counts": [9]}}]},
    )
    await store.append_messages(session.session_id, moments(session, 6))  # not in the document yet
    assert (await store.recount_session(session.session_id)).activity.counts == (2, 0, 0, 0, 0, 1, 1)
    assert (await store.update_session(session.session_id, title="y")).activity.counts == (2, 0, 0, 0, 0, 1, 1)


async def test_a_damaged_activity_is_named(double: Double, store: CosmosSessionStore, session: Session) -> None:
    container = double.gateway.databases[store.settings.database_name][store.settings.container_name]
    container.read(session.session_id, session.session_id)["activity"] = {"width": "wide"}
    with pytest.raises(StorageCorrupt, match=f"{session.session_id}.*'activity'"):
        await store.get_session(session.session_id)


async def test_idle_writers_are_let_go(double: Double) -> None:
    tuning = replace(QUICK, figures_seconds=0.01, idle_seconds=0.03)
    async with CosmosSessionStore(settings_for(double.endpoint), tuning=tuning) as store:
        sessions = [await store.create_session(make_session()) for _ in range(20)]
        for session in sessions:
            await store.append_messages(session.session_id, [make_draft()])
        (place,) = store._connections._places.values()
        writers = place.connection.writers
        async with asyncio.timeout(10):
            while len(writers):
                await store.ping()
        (message,) = await store.append_messages(sessions[0].session_id, [make_draft()])
        assert message.sequence == 2
