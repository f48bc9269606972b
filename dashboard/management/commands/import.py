"""`manage.py import FILE…`: discussions from files into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatlog.services.import_files import Problem, list_files
from chatlog.services.importing import ImportCount, ImportStopped, import_discussions, read_files, stop_at_once
from chatlog.storage.base import SessionStore
from chatlog.terminal.endings import IMPOSSIBLE, LEFT_OUT, STOPPED
from dashboard.management.progress import Meter, show_progress
from dashboard.management.running import run_with_store


class Command(BaseCommand):
    help = (
        "Import discussions: exports of this site (JSONL), and JSON or JSON lines with lists of messages as agent frameworks "
        "write them. Doing it again changes nothing. Exit status: 0 all is imported, 1 something was left out, 2 it could not "
        "be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, or a folder of .json and .jsonl files")
        parser.add_argument("--strict", action="store_true", help="stop at the first thing that cannot be imported")
        parser.add_argument("--dry-run", action="store_true", help="read and check the files, store nothing")

    def handle(self, *, files: list[Path], strict: bool, dry_run: bool, **options: Any) -> None:
        paths = list_files(files)
        missing = [str(path) for path in files if not path.exists()]
        if missing or not paths:
            raise CommandError(f"There is no file to import: {', '.join(missing or map(str, files))}", returncode=IMPOSSIBLE)
        with show_progress("Importing", total=sum(path.stat().st_size for path in paths), out=self.stderr) as meter:
            importing = _Importing(paths, meter, is_strict=strict)
            try:
                count = importing.check() if dry_run else run_with_store(importing.run)
            except ImportStopped as error:
                raise CommandError(f"Stopped, nothing of this was stored: {error}", returncode=LEFT_OUT) from error
            except KeyboardInterrupt:
                raise CommandError("Stopped.", returncode=STOPPED) from None
        self._sum_up(count, importing.problems, dry_run=dry_run)

    def _sum_up(self, count: ImportCount, problems: int, *, dry_run: bool) -> None:
        there = f" {count.there:,} were there already." if count.there else ""
        what = "Would import" if dry_run else "Imported"
        other = f" {count.contradicted:,} messages are stored with other words, and stay so." if count.contradicted else ""
        self.stdout.write(f"{what} {count.stored:,} sessions with {count.messages:,} messages.{there}{other}")
        if problems:
            raise CommandError(f"{problems:,} things were left out; they are named above.", returncode=LEFT_OUT)


class _Importing:
    def __init__(self, paths: list[Path], meter: Meter, *, is_strict: bool) -> None:
        self._paths, self._meter = paths, meter
        self._report = stop_at_once if is_strict else self._tell
        self._done_before = dict.fromkeys(paths, 0)
        self.problems = 0

    async def run(self, store: SessionStore) -> ImportCount:
        discussions = read_files(self._paths, report=self._report, on_progress=self._reach)
        return await import_discussions(store, discussions, report=self._report)

    def check(self) -> ImportCount:
        count = ImportCount()
        for discussion in read_files(self._paths, report=self._report, on_progress=self._reach):
            count.stored += 1
            count.messages += discussion.count
        return count

    def _tell(self, problem: Problem) -> None:
        self.problems += 1
        self._meter.say(str(problem))

    def _reach(self, path: Path, size: int) -> None:
        self._done_before[path] = size
        self._meter.reach(sum(self._done_before.values()))
