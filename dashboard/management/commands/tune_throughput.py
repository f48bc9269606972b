"""`manage.py tune_throughput`: one step of fitting the reserved throughput to what goes on. For a timer, every ten minutes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatlog.config import max_throughput_from_env
from chatlog.domain.clock import utc_now
from chatlog.errors import ConfigurationError
from chatlog.services.tuning import tune_throughput
from chatlog.terminal.endings import IMPOSSIBLE
from dashboard.management.running import run_with_store


class Command(BaseCommand):
    help = (
        "Look at what the database refused and did lately, and raise or lower the throughput that is reserved for it if that "
        "is due: never above CHATLOG_MAX_THROUGHPUT, at most once in ten minutes. Says what it did and why. "
        "Exit status: 0 done, or nothing to do; 2 it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            maximum = max_throughput_from_env()
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=IMPOSSIBLE) from error
        step = run_with_store(lambda store: tune_throughput(store, maximum=maximum, now=utc_now(), dry_run=dry_run))
        if step.is_denied:
            raise CommandError(step.text, returncode=IMPOSSIBLE)
        self.stdout.write(step.text)
