"""`manage.py export SESSION…`: `chatlog export` on the site's store, with the format that needs its templates."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from chatlog.terminal.export import add_arguments, export
from dashboard.export_formats import FORMATS, get_format
from dashboard.management.running import run_with_store


class Command(BaseCommand):
    help = "Write discussions to a file: JSONL, which import reads, or Markdown, HTML, CSV. Exit status: 0 done, 2 not."

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser, formats=tuple(FORMATS))

    def handle(self, **options: Any) -> None:
        writer = get_format(options["format"]).make_writer(timezone.get_current_timezone(), "en")
        run_with_store(lambda store: export(store, Namespace(**options), writer=writer))
