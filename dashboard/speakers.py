"""How a speaker is told from the others: initials, and one of twelve colours that no other speaker of the session has."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from chatlog.domain.colours import Palette

_KEPT_SESSIONS = 1_000


class Speaker(NamedTuple):
    """`colour` is 1 to 12; the style sheet `static/css/tokens.css` knows it as `speaker-<colour>`."""

    name: str
    initials: str
    colour: int


class _Cast:
    """The speakers of one session, in the order they came."""

    def __init__(self) -> None:
        self._palette = Palette()
        self._speakers: dict[str, Speaker] = {}

    def get(self, name: str) -> Speaker:
        speaker = self._speakers.get(name)
        if speaker is None:
            speaker = self._speakers[name] = Speaker(name, initials_of(name), self._palette.colour_of(name))
        return speaker


_casts: OrderedDict[str, _Cast] = OrderedDict()


def list_speakers(session_id: str, names: Iterable[str]) -> list[Speaker]:
    """The speakers of those names. Naming the participants in their order first gives all processes the same colours."""
    cast = _casts.get(session_id)
    if cast is None:
        cast = _casts[session_id] = _Cast()
        if len(_casts) > _KEPT_SESSIONS:
            _casts.popitem(last=False)
    _casts.move_to_end(session_id)
    return [cast.get(name) for name in names]


def tell_apart(names: Iterable[str]) -> list[Speaker]:
    """Speakers of many sessions together: the first twelve have colours of their own. The same names, the same colours."""
    cast = _Cast()
    return [cast.get(name) for name in names]


def get_speaker(session_id: str, name: str) -> Speaker:
    """One speaker of a session."""
    return list_speakers(session_id, [name])[0]


def initials_of(name: str) -> str:
    """Two characters: of `creative_planner` CP, of `MarketAnalyst` MA, of `alice` AL, of 市場分析 市場."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W_A-Z]+|\d+", name)
    if not words:
        return "".join(character for character in name if character.isprintable()).strip()[:2] or "?"
    letters: str = words[0][:2] if len(words) == 1 else words[0][0] + words[1][0]
    return letters.upper()
