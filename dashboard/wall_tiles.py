"""The sessions that go on as tiles of a wall, for its page and for live frames alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from chatlog.domain.hidden import show_hidden
from chatlog.services.watching import Liveliness, Wall, WatchedSession
from dashboard.fragments import KIND_WORDS, short_title
from dashboard.session_rows import row_id
from dashboard.speakers import get_speaker
from dashboard.wording import say_duration, say_roughly, state_words

LINE_CHARACTERS = 160
_WORDS = {
    Liveliness.RUNNING: _("running"),
    # Translators: nobody says anything at the moment
    Liveliness.QUIET: _("quiet"),
    Liveliness.STALLED: _("stalled"),
}


def wall_context(wall: Wall, *, now: datetime) -> dict[str, Any]:
    """What `partials/wall.html` shows, with the silences as they are at this moment: for browsers without scripts."""
    return {"wall": wall, "tiles": [tile_context(one) | {"silence": _say_silence(one, now)} for one in wall.sessions]}


def wall_frame(wall: Wall) -> str:
    """The whole wall. The page's script counts the silences."""
    tiles = [tile_context(one) for one in wall.sessions]
    return render_to_string("dashboard/partials/wall.html", {"wall": wall, "tiles": tiles, "oob": True})


def tile(watched: WatchedSession, *, is_oob: bool) -> str:
    """One `<li>` of the wall. It looks different only if there is news."""
    return render_to_string("dashboard/partials/wall_tile.html", {"tile": tile_context(watched), "oob": is_oob})


def tile_context(watched: WatchedSession) -> dict[str, Any]:
    """What `partials/wall_tile.html` shows."""
    session, last = watched.session, watched.last
    return {
        "session": session,
        "element_id": row_id(session),
        "title": short_title(session),
        "liveliness": watched.liveliness.value,
        "state": _say_state(watched),
        "speaker": get_speaker(session.session_id, last.source) if last else None,
        "line": _line(watched),
        "last_at": last.timestamp if last else session.created_at,
        "is_counting": watched.liveliness is not Liveliness.ENDED,
        "habit": say_roughly(watched.pace.habit) if watched.is_unusual and watched.pace.habit else "",
        "words_per_minute": round(watched.pace.words_per_minute),
        "count": max(session.message_count, last.sequence if last else 0),
        "length": say_duration(session.last_activity_at - session.created_at),
    }


def _say_state(watched: WatchedSession) -> str:
    """An ended session says how it ended."""
    if watched.liveliness is Liveliness.ENDED:
        return state_words()[watched.session.state(watched.session.updated_at)]
    return str(_WORDS[watched.liveliness])


def _line(watched: WatchedSession) -> str:
    """The last remark in one line, or what kind of thing it is."""
    if watched.last is None:
        return ""
    line = show_hidden(" ".join(watched.last.content[:1000].split()))
    kind = str(KIND_WORDS.get(watched.last.kind, show_hidden(watched.last.kind)))
    line = f"{kind}: {line}" if kind else line
    return line if len(line) <= LINE_CHARACTERS else line[: LINE_CHARACTERS - 1] + "…"


def _say_silence(watched: WatchedSession, now: datetime) -> str:
    return say_duration(now - (watched.last.timestamp if watched.last else watched.session.created_at))
