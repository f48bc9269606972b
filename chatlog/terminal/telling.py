"""How a remark looks to people on a command line: who and when, then what was said. Agent text is hostile input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatlog.domain.clock import utc_now
from chatlog.domain.colours import Palette
from chatlog.domain.hidden import escape_hidden, show_hidden, show_in_one_line
from chatlog.domain.models import FOLDED_KINDS, Message, MessageKind, Session, SessionState
from chatlog.services.describing import describe_message
from chatlog.services.formats.plain import title_of
from chatlog.terminal.cells import cut, width_of, wrap
from chatlog.terminal.screen import BOLD, DIM, GREEN, RED, SPEAKERS, YELLOW, Screen
from chatlog.terminal.zone import local_zone

INDENT = " " * 10
TITLE_CELLS = 32
_SOURCE_CELLS = 40
_KIND_CELLS = 20
_FEWEST_TITLE_CELLS = 8
_FEWEST_TEXT_CELLS = 18
_NO_EDGE = 1_000
STATE_STYLES = {
    SessionState.RUNNING: GREEN,
    SessionState.STALLED: YELLOW,
    SessionState.FAILED: RED,
    SessionState.CANCELLED: YELLOW,
    SessionState.COMPLETED: DIM,
}


class JsonTeller:
    """Writes messages for programs: an object on a line for each, with the fields of the HTTP API, and no more."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def introduce(self, session: Session) -> None:
        """Nothing: each message names its session."""

    def forget(self, session: Session) -> None:
        """Nothing."""

    def tell(self, _: Session, message: Message) -> None:
        """Write one message."""
        self._screen.write(as_json_line(describe_message(message)))


class Teller:
    """Writes remarks on a screen: on a terminal wrapped to its width, elsewhere whole and with their date.

    Args:
        names_sessions: say with each remark which discussion it belongs to.
        is_full: show tool calls, their results and events as they are, and not folded to a line.
    """

    def __init__(self, screen: Screen, *, names_sessions: bool = False, is_full: bool = False) -> None:
        self._screen = screen
        self._zone = local_zone()
        self._names_sessions = names_sessions
        self._is_full = is_full
        self._palettes: dict[str, Palette] = {}
        self._day = utc_now().astimezone(self._zone).date()

    def introduce(self, session: Session) -> None:
        """Say which discussion this is, and give its participants their colours, which are those of the pages."""
        self._palettes[session.session_id] = Palette(session.participants)
        began = session.created_at.astimezone(self._zone)
        particulars = (session.state(utc_now()).value, f"began {began:%Y-%m-%d %H:%M} {began.tzname()}", session.session_id)
        self._screen.note(title_of(session), BOLD)
        self._screen.note(" · ".join(particulars), DIM)

    def forget(self, session: Session) -> None:
        """It is over."""
        self._palettes.pop(session.session_id, None)

    def tell(self, session: Session, message: Message) -> None:
        """Write one remark."""
        if self._screen.is_terminal:
            self._name_day(message)
        for line in self._lines(session, message):
            self._screen.write(line + "\n")

    def _lines(self, session: Session, message: Message) -> Iterator[str]:
        is_folded = message.kind in FOLDED_KINDS and not self._is_full
        room = self._screen.width if self._screen.is_terminal else None
        parts = self._head(session, message, room=(room or _NO_EDGE) - (_FEWEST_TEXT_CELLS if is_folded else 0))
        head = "  ".join(self._screen.paint(text, *styles) for text, styles in parts)
        colour = (RED,) if message.kind == MessageKind.ERROR else (DIM,) if is_folded else ()
        if is_folded:
            text = show_in_one_line(message.content)
            if room is not None:
                text = cut(text, max(1, room - _cells(parts) - 2))
            yield f"{head}  {self._screen.paint(text, *colour)}"
            return
        yield head
        text = show_hidden(message.content).strip("\n")
        lines = text.split("\n") if room is None else wrap(text, room - len(INDENT))
        for line in lines:
            yield (INDENT + self._screen.paint(line, *colour)).rstrip()

    def _head(self, session: Session, message: Message, *, room: int) -> list[tuple[str, tuple[str, ...]]]:
        """Time, speaker, kind and discussion, each with its style; the longest of them cut where room is scarce."""
        moment = message.timestamp.astimezone(self._zone)
        time = f"{moment:%H:%M:%S}" if self._screen.is_terminal else f"{moment:%Y-%m-%d %H:%M:%S}"
        source = cut(show_in_one_line(message.source), min(_SOURCE_CELLS, room // 3))
        parts: list[tuple[str, tuple[str, ...]]] = [(time, (DIM,)), (source, (BOLD, self._colour_of(message)))]
        if message.kind != MessageKind.TEXT:
            word = cut(show_in_one_line(message.kind.replace("_", " ")), _KIND_CELLS)
            parts.append((word, (RED,) if message.kind == MessageKind.ERROR else (DIM,)))
        if self._names_sessions:
            title = cut(f"· {short_title(session)}", max(_FEWEST_TITLE_CELLS, room - _cells(parts) - 2))
            parts.append((title, (DIM,)))
        return parts

    def _colour_of(self, message: Message) -> str:
        palette = self._palettes.setdefault(message.session_id, Palette())
        return SPEAKERS[palette.colour_of(message.source) - 1]

    def _name_day(self, message: Message) -> None:
        """A line where another day than today begins, for times on a terminal have none."""
        day = message.timestamp.astimezone(self._zone).date()
        if day != self._day:
            self._screen.write(self._screen.paint(f"{day:%Y-%m-%d}", DIM) + "\n")
        self._day = day


def _cells(parts: Sequence[tuple[str, object]]) -> int:
    return width_of("  ".join(text for text, _ in parts))


def as_json_line(value: Mapping[str, Any]) -> str:
    """An object on a line, with nothing in it that a terminal would obey."""
    return escape_hidden(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) + "\n"


def short_title(session: Session) -> str:
    """Enough of the title to tell discussions apart."""
    return cut(show_hidden(title_of(session)), TITLE_CELLS)
