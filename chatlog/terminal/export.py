"""`export SESSION…`: discussions as a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from chatlog.domain.models import Session
from chatlog.services.exporting import Writer, export_sessions, list_all
from chatlog.services.formats.writers import NAMES
from chatlog.storage.base import SessionReader
from chatlog.terminal import naming
from chatlog.terminal.endings import IMPOSSIBLE, Ending
from chatlog.terminal.filtering import add_filter_argument, read_filter

HELP = "Write discussions to a file: JSONL, which import reads, or Markdown or CSV."


def add_arguments(parser: ArgumentParser, *, formats: Sequence[str] = NAMES) -> None:
    """What the command takes besides a store."""
    parser.add_argument("sessions", nargs="*", metavar="SESSION", help=naming.HELP)
    parser.add_argument("--all", action="store_true", help="every discussion")
    add_filter_argument(parser)

    def known(name: str) -> str:
        if name not in formats:
            advice = " The site makes HTML: python manage.py export." if name == "html" else ""
            raise ArgumentTypeError(f"{name!r} is not one of {', '.join(formats)}.{advice}")
        return name

    parser.add_argument("--format", type=known, default="jsonl", help=f"{', '.join(formats)}; default jsonl")
    parser.add_argument("--output", default="-", metavar="FILE", help="- for the standard output, the default")


async def export(store: SessionReader, options: Namespace, *, writer: Writer) -> None:
    """Write the discussions. Raises `Ending`, `SessionNotFound`, `StorageError`, and `BrokenPipeError`."""
    where = read_filter(options.filter)
    if bool(options.sessions) == bool(options.all or options.filter):
        raise Ending("Name the discussions to export, or say --all or --filter.", status=IMPOSSIBLE)
    # Names first: nothing is written if there is no such discussion.
    named = [await naming.get_named(store, name) for name in options.sessions]
    wanted = _one_by_one(named) if named else list_all(store, where=where)
    try:
        with _open_output(options.output) as file:
            async for piece in export_sessions(store, wanted, writer=writer):
                file.write(piece)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Ending(f"{options.output} cannot be written: {error.strerror}.", status=IMPOSSIBLE) from error


@contextmanager
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


async def _one_by_one(sessions: Sequence[Session]) -> AsyncIterator[Session]:
    for session in sessions:
        yield session
