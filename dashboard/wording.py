"""Figures as people say them: how long, how long ago, how many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from chatlog.domain.models import SessionState

_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))

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
    seconds = max(0, int(length.total_seconds()))
    parts = []
    for name, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(_say(count, name))
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def say_roughly(length: timedelta) -> str:
    """The largest unit: `5 min`, `2 h`, `3 days`."""
    seconds = max(0, int(length.total_seconds()))
    for name, size in _UNITS:
        if seconds >= size:
            return _say(seconds // size, name)
    return "0 s"


def say_ago(length: timedelta) -> str:
    """`now` within a minute, then `5 min ago`, `2 h ago`, `3 days ago`."""
    return "now" if length < timedelta(minutes=1) else f"{say_roughly(length)} ago"


def _say(count: int, unit: str) -> str:
    return f"{count} days" if unit == "day" and count != 1 else f"{count} {unit}"
