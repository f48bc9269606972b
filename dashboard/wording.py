"""Figures as people say them, in their language: how long, how long ago.

The words are shared with the pages' scripts (see `script_words`), so their places are in braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from chatlog.domain.models import SessionState


class Unit(NamedTuple):
    """`words` are lazy, and in the form that the number `n` asks for."""

    name: str
    seconds: int
    words: Any


UNITS = (
    Unit("day", 86_400, ngettext_lazy("{n} day", "{n} days", "n")),
    Unit("h", 3_600, ngettext_lazy("{n} h", "{n} h", "n")),
    Unit("min", 60, ngettext_lazy("{n} min", "{n} min", "n")),
    Unit("s", 1, ngettext_lazy("{n} s", "{n} s", "n")),
)
AGO = _("{length} ago")
NOW = _("now")
# Translators: two lengths of time, as in "2 h 3 min"
TOGETHER = _("{larger} {smaller}")

_STATES = {
    SessionState.RUNNING: _("running"),
    SessionState.STALLED: _("stalled"),
    SessionState.COMPLETED: _("completed"),
    SessionState.FAILED: _("failed"),
    SessionState.CANCELLED: _("cancelled"),
}


def state_words() -> Mapping[SessionState, str]:
    """How a session stands, in a word of the active language."""
    return {state: str(words) for state, words in _STATES.items()}


def say_duration(length: timedelta) -> str:
    """The two largest units: `5 min 50 s`, `2 h 3 min`, `3 days 4 h`; `0 s` for nothing."""
    parts = _split(length)
    if len(parts) == 1 or not parts[1][0]:
        return _say(*parts[0])
    return str(TOGETHER).format(larger=_say(*parts[0]), smaller=_say(*parts[1]))


def say_roughly(length: timedelta) -> str:
    """The largest unit: `5 min`, `2 h`, `3 days`."""
    return _say(*_split(length)[0])


def say_ago(length: timedelta) -> str:
    """`now` within a minute, then `5 min ago`, `2 h ago`, `3 days ago`."""
    return str(NOW) if length < timedelta(minutes=1) else str(AGO).format(length=say_roughly(length))


def _split(length: timedelta) -> list[tuple[int, Unit]]:
    """Counts of the units from the largest that is reached on; of nothing, `0 s`."""
    seconds = max(0, int(length.total_seconds()))
    counts: list[tuple[int, Unit]] = []
    for unit in UNITS:
        count, seconds = divmod(seconds, unit.seconds)
        if count or counts or unit is UNITS[-1]:
            counts.append((count, unit))
    return counts


def _say(count: int, unit: Unit) -> str:
    return str(unit.words.format(n=count))
