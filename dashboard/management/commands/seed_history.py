"""`manage.py seed_history`: made-up discussions of the past, as many as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatlog.domain.clock import utc_now
from chatlog.services.import_files import Discussion
from chatlog.services.importing import ImportCount, import_discussions, stop_at_once
from chatlog.storage.base import SessionStore
from chatlog.terminal.endings import IMPOSSIBLE
from dashboard.demo.history import list_history
from dashboard.management.progress import Meter, show_progress
from dashboard.management.running import run_with_store


class Command(BaseCommand):
    help = "Store made-up discussions of the past. The same seed makes the same ones; doing it again completes what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sessions", type=int, default=100, help="how many discussions (default 100)")
        parser.add_argument("--messages", type=int, default=2000, help="how many messages in all (default 2000)")
        parser.add_argument("--days", type=int, default=30, help="over how many days before today (default 30)")
        parser.add_argument("--seed", type=int, default=1, help="another number makes other discussions (default 1)")

    def handle(self, *, sessions: int, messages: int, days: int, seed: int, **options: Any) -> None:
        if sessions < 1 or messages < 0 or days < 1:
            raise CommandError("--sessions and --days begin at 1, --messages at 0.", returncode=IMPOSSIBLE)
        with show_progress("Seeding", total=sessions, out=self.stderr) as meter:

            async def seed_all(store: SessionStore) -> ImportCount:
                discussions = _discussions(meter, sessions=sessions, messages=messages, days=days, seed=seed)
                return await import_discussions(store, discussions, report=stop_at_once)

            count = run_with_store(seed_all)
        there = f" {count.there:,} were there already." if count.there else ""
        self.stdout.write(f"Stored {count.stored:,} sessions with {count.messages:,} messages.{there}")


def _discussions(meter: Meter, *, sessions: int, messages: int, days: int, seed: int) -> Iterator[Discussion]:
    history = list_history(sessions=sessions, messages=messages, seed=seed, until=_today(), days=days)
    for number, (session, drafts) in enumerate(history, start=1):
        meter.reach(number)
        yield Discussion(session, len(drafts), drafts.copy, Path("history"), number)


def _today() -> datetime:
    """Its beginning, so that the same command makes the same discussions all day long."""
    return utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
