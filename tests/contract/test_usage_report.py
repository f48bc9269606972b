"""The figures of the usage page: on every store the same as counting what the sessions hold."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatlog import CosmosDBManager, MessageDraft, SessionStatus, SessionStore
from chatlog.domain.clock import utc_now
from chatlog.services.usage import UsageReport, get_usage_report
from chatlog.services.usage_range import UsageRange
from tests.chatlog.services.usage_memory import MemoryUsage
from tests.factories import make_draft, make_session

ZONES = ("Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Etc/GMT+12", "Etc/GMT-14")
COSTS = {"prompt_tokens": 120, "completion_tokens": 48}


async def fill(store: SessionStore, now: datetime) -> list[str]:
    """Sessions around the midnights of the days before yesterday noon, and one that runs; their ids."""
    noon = datetime.combine(now.date() - timedelta(days=1), time(12), tzinfo=UTC)
    ids = []
    for number, hours in enumerate((24, 33, 39, 50, 75, 100, 140)):
        at = noon - timedelta(hours=hours)
        names = ["ann", "企画"] if number % 2 else ["ann"]
        session = await store.create_session(make_session(created_at=at, participants=names))
        drafts = [
            make_draft(source="ann", content="字" * 7 * (number + 1), timestamp=at + timedelta(minutes=20), models_usage=COSTS),
            make_draft(source="bob", timestamp=at + timedelta(hours=20)),
        ]
        await say(store, session.session_id, drafts)
        await store.update_session(session.session_id, status=list(SessionStatus)[number % 4])
        ids.append(session.session_id)
    running = await store.create_session(make_session(created_at=now))
    await say(store, running.session_id, [make_draft(source="ann", timestamp=now)])
    return [*ids, running.session_id]


async def say(store: SessionStore, session_id: str, drafts: list[MessageDraft]) -> None:
    await store.append_messages(session_id, drafts)
    await store.recount_session(session_id)  # who takes part may follow a second later


async def compare(store: SessionStore, ids: list[str], zone: str, now: datetime) -> UsageReport:
    stretch = UsageRange.last_days(4, zone=ZoneInfo(zone), now=now)
    report = await get_usage_report(store, stretch, now=now)
    sessions = await store.get_sessions(ids)
    messages = [message for session in sessions for message in await store.list_messages(session.session_id)]
    assert report == await get_usage_report(MemoryUsage(sessions, messages), stretch, now=now)
    return report


async def test_a_report_is_what_counting_everything_gives_also_after_late_remarks_and_deletions(store: SessionStore) -> None:
    now = utc_now()
    ids = await fill(store, now)
    for zone in ZONES:
        assert (await compare(store, ids, zone, now)).running == 1
    await say(store, ids[5], [make_draft(source="late", timestamp=now - timedelta(days=2))])
    await store.delete_session(ids[1])
    await store.update_session(ids[0], status=SessionStatus.FAILED)
    for zone in ZONES[:2]:
        report = await compare(store, ids, zone, now)
        assert [agent.messages for agent in report.agents if agent.name == "late"] == [1]


async def test_the_seeds_metrics_are_the_same_on_every_store(store: SessionStore) -> None:
    now = utc_now()
    ids = await fill(store, now)
    await store.delete_session(ids[0])
    metrics = await CosmosDBManager(store=store).get_usage_metrics(days=30)
    assert (metrics["total_sessions"], metrics["total_messages"]) == (7, 13)
    assert metrics["avg_messages_per_session"] == pytest.approx(13 / 7)
    assert len(metrics["daily"]) == 30
    assert metrics["daily"][-1]["date"] in {str(now.date()), str(utc_now().date())}
