"""`manage.py prune`: delete discussions that nobody has touched for a number of days."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatlog.config import keep_days_from_env
from chatlog.domain.clock import utc_now
from chatlog.domain.models import Session
from chatlog.errors import ConfigurationError
from chatlog.services.formats.plain import title_of
from chatlog.services.retention import RetentionPreview, delete_expired, list_expired, preview, remove_deleted
from chatlog.storage.base import SessionStore
from chatlog.terminal.endings import IMPOSSIBLE, LEFT_OUT
from dashboard.management.progress import show_progress
from dashboard.management.running import run_with_store
from dashboard.personal import find_starred_by_anyone


class Command(BaseCommand):
    help = (
        "Delete discussions in which nothing has happened for CHATLOG_KEEP_DAYS days, except starred and running ones, and "
        "remove for good what was deleted over a week ago. Shows what would go, and asks. Exit status: 0 done, 1 not "
        "confirmed, 2 it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="keep this many days, whatever CHATLOG_KEEP_DAYS says")
        parser.add_argument("--dry-run", action="store_true", help="only show what would go")
        parser.add_argument("--yes", action="store_true", help="do not ask; for a timer")

    def handle(self, *, days: int | None, dry_run: bool, yes: bool, **options: Any) -> None:
        keep_days = _keep_days(days)
        now = utc_now()
        if keep_days is None:
            self.stdout.write("CHATLOG_KEEP_DAYS is not set: discussions are kept for ever.")
            found = RetentionPreview(0, 0, None, None, ())
        else:
            found = run_with_store(lambda store: preview(_list_expired(store, keep_days, now)))
            self._show(found, keep_days)
        if dry_run:
            return
        if found.sessions and not (yes or self._is_confirmed()):
            raise CommandError("Nothing was deleted. Confirm with --yes.", returncode=LEFT_OUT)
        if keep_days is not None and found.sessions:
            self._delete(found, keep_days, now)
        removed = run_with_store(lambda store: remove_deleted(store, now=now))
        self.stdout.write(f"Removed {removed:,} sessions for good that were deleted over a week ago.")

    def _show(self, found: RetentionPreview, keep_days: int) -> None:
        if found.oldest is None or found.newest is None:
            self.stdout.write(f"No discussion has been silent for {keep_days:,} days.")
            return
        self.stdout.write(
            f"{found.sessions:,} sessions with {found.messages:,} messages have been silent for {keep_days:,} days: the last "
            f"remark between {found.oldest:%Y-%m-%d} and {found.newest:%Y-%m-%d} (UTC). Among them:"
        )
        for session in found.first:
            self.stdout.write(f"  {session.last_activity_at:%Y-%m-%d}  {title_of(session)}")

    def _is_confirmed(self) -> bool:
        if not sys.stdin.isatty():
            return False
        return input("Delete them? For a week they can be restored. [y/N] ").strip().lower() in {"y", "yes"}

    def _delete(self, found: RetentionPreview, keep_days: int, now: datetime) -> None:
        done = 0
        with show_progress("Deleting", total=found.sessions, out=self.stderr) as meter:

            def count(_: Session) -> None:
                nonlocal done
                done += 1
                meter.reach(done)

            run_with_store(lambda store: delete_expired(store, _list_expired(store, keep_days, now), on_deleted=count))
        self.stdout.write(f"Deleted {done:,} sessions. For a week they can be restored.")


def _list_expired(store: SessionStore, keep_days: int, now: datetime) -> AsyncIterator[Session]:
    return list_expired(store, before=now - timedelta(days=keep_days), now=now, find_exempt=find_starred_by_anyone)


def _keep_days(days: int | None) -> int | None:
    try:
        return keep_days_from_env() if days is None else keep_days_from_env({"CHATLOG_KEEP_DAYS": str(days)})
    except ConfigurationError as error:
        raise CommandError(str(error), returncode=IMPOSSIBLE) from error
