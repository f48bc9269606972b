"""What every format for people says the same way."""

from __future__ import annotations

import re

from chatlog.domain.models import Session

# Control characters but tab and newline: an ESC in a file that somebody prints would speak to their terminal.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MAX_TITLE_CHARACTERS = 120


def clean(text: str) -> str:
    """Text with newlines as its only line end, and a sign in place of each control character."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Text on one line."""
    return " ".join(clean(text).split())


def title_of(session: Session) -> str:
    """The title or, without one, the first line of the task, on one line and not too long."""
    text = one_line(session.title or session.task.strip().split("\n", 1)[0]) or session.session_id
    return text if len(text) <= MAX_TITLE_CHARACTERS else text[: MAX_TITLE_CHARACTERS - 1] + "…"
