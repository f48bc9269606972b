"""Which colour tells a speaker from the others, the same on the pages and on a terminal."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

COLOURS = 12


class Palette:
    """Gives each speaker of one discussion a number from 1 to 12 and keeps it.

    A name's own colour is its hash; if another has it, the next free one. Naming the participants in their order first gives
    every process the same colours.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._colours: dict[str, int] = {}
        for name in names:
            self.colour_of(name)

    def colour_of(self, name: str) -> int:
        """The speaker's colour; from the thirteenth on, one that somebody has already."""
        colour = self._colours.get(name)
        if colour is None:
            colour = self._colours[name] = self._free_colour(name)
        return colour

    def _free_colour(self, name: str) -> int:
        # Documents that chatlog did not write may hold a lone surrogate, which has no UTF-8 form.
        wanted = zlib.crc32(name.encode(errors="replace"))
        taken = set(self._colours.values())
        order = [(wanted + step) % COLOURS + 1 for step in range(COLOURS)]
        return next((colour for colour in order if colour not in taken), order[0])
