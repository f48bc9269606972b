"""The words that scripts put onto a page. `base.html` hands them over as data; `static/js/words.js` reads them there.

A text names its places in braces. Where a number decides the form, there is one for each: `one` and `other`.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from dashboard.wording import AGO, NOW, TOGETHER, UNITS

_WORDS = {
    # live.js
    "live.connected": _("connected"),
    "live.lost": _("connection lost, trying again"),
    "live.stopped": _("stopped"),
    "live.logged-out": _("logged out"),
    "live.refused": _("refused"),
    "live.not-found": _("not found"),
    "live.too-many": _("too many pages"),
    "live.resumed": _("resumed"),
    "live.caught-up": _("resumed, {n} caught up"),
    "live.received": _("{n} of {all} received"),
    "live.out-of-step": _("out of step; reload the page"),
    # discussion.js
    "new": _("{n} new"),
    "quiet": _("quiet for {length}"),
    # wall.js
    "wall.running": _("{n} running"),
    # words.js itself
    "ago": AGO,
    "now": NOW,
    "together": TOGETHER,
}


def script_words() -> dict[str, str | dict[str, str]]:
    """All words, in the active language."""
    units = {unit.name: {"one": unit.words % {"n": 1}, "other": unit.words % {"n": 2}} for unit in UNITS}
    return {key: str(words) for key, words in _WORDS.items()} | units
