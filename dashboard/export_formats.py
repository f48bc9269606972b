"""The formats that a person can choose from, and what a browser has to know about each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from chatlog.domain.hidden import show_hidden
from chatlog.domain.models import Session
from chatlog.errors import InvalidInput
from chatlog.services.exporting import Writer
from chatlog.services.formats.plain import title_of
from chatlog.services.formats.writers import make_writer
from dashboard.exporting_html import HtmlWriter

MAX_NAME_CHARACTERS = 60
# What some file system or other takes for something else.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|;%⟨⟩\s.]+')


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`make_writer` takes the zone of the times and the language of the words."""

    suffix: str
    content_type: str
    make_writer: Callable[[tzinfo, str], Writer]


def _plain(name: str) -> Callable[[tzinfo, str], Writer]:
    def make(zone: tzinfo, language: str) -> Writer:
        return make_writer(name, zone=zone)

    return make


def _make_html(zone: tzinfo, language: str) -> Writer:
    return HtmlWriter(zone=zone, language=language)


FORMATS = {
    "jsonl": ExportFormat("jsonl", "application/jsonl; charset=utf-8", _plain("jsonl")),
    "md": ExportFormat("md", "text/markdown; charset=utf-8", _plain("md")),
    "html": ExportFormat("html", "text/html; charset=utf-8", _make_html),
    "csv": ExportFormat("csv", "text/csv; charset=utf-8", _plain("csv")),
}


def get_format(name: str) -> ExportFormat:
    """Raises `InvalidInput`, naming the formats there are."""
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidInput(
            "format", f"{name[:40]!r} is not a format to export in. Choose one of {', '.join(FORMATS)}."
        ) from None


def disposition(stem: str, suffix: str) -> str:
    """A `Content-Disposition` that saves under that name, in ASCII for what knows nothing else."""
    safe = _UNSAFE.sub("-", show_hidden(stem)).strip("-")[:MAX_NAME_CHARACTERS].strip("-") or "chatlog"
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", safe).strip("-") or "chatlog"
    return f"attachment; filename=\"{plain}.{suffix}\"; filename*=UTF-8''{quote(f'{safe}.{suffix}', safe='')}"


def stem_of(session: Session) -> str:
    """The day and the title."""
    return f"{session.created_at:%Y-%m-%d} {title_of(session)}"


def stem_of_list(now: datetime) -> str:
    return f"chatlog {now:%Y-%m-%d}"
