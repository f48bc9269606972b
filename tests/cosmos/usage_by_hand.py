"""Figures of use the slow way: every session, every message."""

from __future__ import annotations

from datetime import date, timedelta

from chatlog import SessionStore
from chatlog.domain.models import Session
from chatlog.domain.usage import UsageDay, UsageTally


async def list_everything(store: SessionStore) -> list[Session]:
    listed, cursor = [], None
    while True:
        page = await store.list_sessions(limit=1000, cursor=cursor)
        listed += page.items
        if (cursor := page.next_cursor) is None:
            return listed


async def count_by_hand(store: SessionStore, since: date, until: date) -> list[UsageDay]:
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    tallies = {day: UsageTally(day) for day in days}
    for session in await list_everything(store):
        if tally := tallies.get(session.created_at.date()):
            tally.add_session(created_at=session.created_at, status=session.status, participants=session.participants)
        for message in await store.list_messages(session.session_id, limit=1000):
            if tally := tallies.get(message.timestamp.date()):
                tally.add_message(
                    timestamp=message.timestamp,
                    source=message.source,
                    letters=len(message.content),
                    models_usage=message.models_usage,
                )
    return [figures for tally in tallies.values() if (figures := tally.close()) is not None]
