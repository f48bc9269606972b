"""The formats that need nothing but this library, by the names that people choose them by."""

from __future__ import annotations

from datetime import tzinfo

from chatlog.errors import InvalidInput
from chatlog.services.exporting import Writer
from chatlog.services.formats.jsonl import JsonlWriter
from chatlog.services.formats.markdown import MarkdownWriter
from chatlog.services.formats.spreadsheet import SpreadsheetWriter

NAMES = ("jsonl", "md", "csv")


def make_writer(name: str, *, zone: tzinfo) -> Writer:
    """A writer of that format, with the times in that zone where people read them. Raises `InvalidInput`."""
    match name:
        case "jsonl":
            return JsonlWriter()
        case "md":
            return MarkdownWriter(zone=zone)
        case "csv":
            return SpreadsheetWriter()
    raise InvalidInput("format", f"{name[:40]!r} is not one of {', '.join(NAMES)}.")
