"""What the figures are called, and how much more or less there is than before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from chatlog.domain.hidden import show_hidden
from chatlog.domain.models import SessionState, SessionStatus
from dashboard.wording import state_words

_LONGEST_NAME = 60


class Change(NamedTuple):
    """`sign` is ▲, ▼ or nothing."""

    sign: str
    words: str


def status_words() -> Mapping[SessionStatus, str]:
    """How a session stands, in a word of the active language. An active one may be stalled."""
    words = state_words()
    # Translators: sessions that have not ended, such as "running or stalled"
    both = {"running": words[SessionState.RUNNING], "stalled": words[SessionState.STALLED]}
    active = _("%(running)s or %(stalled)s") % both
    return {status: active if status is SessionStatus.ACTIVE else words[SessionState(status)] for status in SessionStatus}


def say_remarks(count: int) -> str:
    """`1 remark`, `1,234 remarks`."""
    return _say_remarks(count, get_language())


@lru_cache(maxsize=4096)  # a page says hundreds of figures, most of them small
def _say_remarks(count: int, language: str | None) -> str:  # what is kept is kept by language
    return ngettext("%(count)s remark", "%(count)s remarks", count) % {"count": f"{count:,}"}


def say_sessions(count: int) -> str:
    """`1 session`, `1,234 sessions`."""
    return _say_sessions(count, get_language())


@lru_cache(maxsize=4096)
def _say_sessions(count: int, language: str | None) -> str:
    return ngettext("%(count)s session", "%(count)s sessions", count) % {"count": f"{count:,}"}


def short_name(name: str) -> str:
    """An agent's name in a picture, where a long one would cover everything."""
    shown = show_hidden(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def say_share(part: float, whole: float) -> str:
    """`8 %`, `less than 1 %`."""
    value = 100 * part / whole if whole else 0.0
    if 0 < value < 1:
        return _("less than 1 %%") % {}
    # Translators: a share in per cent
    return _("%(number)s %%") % {"number": f"{value:.0f}"}


def say_change(now: float | None, before: float | None, *, days: int) -> Change:
    """Against as many days before; says so if there is nothing to compare with."""
    then = ngettext("the day before", "the %(count)s days before", days) % {"count": f"{days:,}"}
    if not before:
        return Change("", _("n/a: nothing in %(then)s") % {"then": then})
    if now is None:
        return Change("", _("n/a: nothing to compare with %(then)s") % {"then": then})
    if now == before:
        return Change("", _("as in %(then)s") % {"then": then})
    return _say_difference(now, before, then)


def _say_difference(now: float, before: float, then: str) -> Change:
    difference = abs(now - before) / before
    if now > 10 * before:
        return Change("▲", _("%(factor)s times that of %(then)s") % {"factor": f"{now / before:,.0f}", "then": then})
    values = {"share": say_share(difference, 1), "then": then}
    if now > before:
        return Change("▲", _("%(share)s more than in %(then)s") % values)
    return Change("▼", _("%(share)s less than in %(then)s") % values)
