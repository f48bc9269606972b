"""`manage.py tail [SESSION]`: `chatlog tail` on the site's store, with the times of the site's zone."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatlog.terminal import tail
from chatlog.terminal.endings import DONE
from chatlog.terminal.opening import open_from
from chatlog.terminal.running import run_to_the_end, run_with_store
from chatlog.terminal.screen import Screen


class Command(BaseCommand):
    help = tail.HELP

    def add_arguments(self, parser: CommandParser) -> None:
        tail.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        screen = Screen(no_color=options["no_color"], force_color=options["force_color"])
        status = run_to_the_end(
            lambda: run_with_store(lambda store: tail.tail(store, screen, Namespace(**options)), open_=lambda: open_from(None))
        )
        if status != DONE:
            sys.exit(status)
