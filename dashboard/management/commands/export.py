"""`manage.py export SESSION…`: discussions as a file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import Session
from chatlog.domain.query import parse_query
from chatlog.services.exporting import export_sessions, list_all, list_one
from chatlog.storage.base import SessionStore
from dashboard.export_formats import FORMATS, get_format
from dashboard.management.running import IMPOSSIBLE, run_with_store


class Command(BaseCommand):
    help = "Write discussions to a file: JSONL, which import reads, or Markdown, HTML, CSV. Exit status: 0 done, 2 not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sessions", nargs="*", metavar="SESSION", help="the id of a discussion")
        parser.add_argument("--all", action="store_true", help="every discussion")
        parser.add_argument(
            "--filter", metavar="TEXT", help='those that this finds in the list: "status:failed after:2026-11-01"'
        )
        parser.add_argument("--format", choices=list(FORMATS), default="jsonl", help="default jsonl")
        parser.add_argument("--output", default="-", metavar="FILE", help="- for the standard output, the default")

    def handle(self, *, sessions: list[str], output: str, **options: Any) -> None:
        where = _read_filter(options["filter"])
        if bool(sessions) == bool(options["all"] or options["filter"]):
            raise CommandError("Name the discussions to export, or say --all or --filter.", returncode=IMPOSSIBLE)
        writer = get_format(options["format"]).make_writer(timezone.get_current_timezone(), "en")

        async def export(store: SessionStore, file: IO[bytes]) -> None:
            wanted = _list_named(store, sessions) if sessions else list_all(store, where=where)
            async for piece in export_sessions(store, wanted, writer=writer):
                file.write(piece)

        try:
            with _open_output(output) as file:
                run_with_store(lambda store: export(store, file))
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.", returncode=IMPOSSIBLE) from error


@contextlib.contextmanager
def _open_output(output: str) -> Iterator[IO[bytes]]:
    """A file gets its name when it is whole."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


async def _list_named(store: SessionStore, session_ids: list[str]) -> AsyncIterator[Session]:
    for session_id in session_ids:
        async for session in list_one(store, session_id):
            yield session


def _read_filter(text: str | None) -> SessionFilter:
    query = parse_query(text or "", zone=timezone.get_current_timezone())
    if query.problems:
        parts = ", ".join(f"{problem.part} ({problem.complaint.replace('_', ' ')})" for problem in query.problems)
        raise CommandError(f"--filter is not understood: {parts}.", returncode=IMPOSSIBLE)
    return query.as_filter()
