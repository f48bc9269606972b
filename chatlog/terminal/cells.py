"""How much room text takes on a terminal, and where its lines may break. Kana and Han take two cells each."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Signs that no line begins with, and signs that none ends with. Source: https://www.w3.org/TR/jlreq/#line_breaking_rules
_NOT_FIRST = frozenset("、。，．・：；？！）］｝」』】〉》〕’”ゝゞヽヾーァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎ々〜～…‥％")
_NOT_LAST = frozenset("（［｛「『【〈《〔‘“￥＄")
_JOINER = "\u200d"
_TAB_CELLS = 4
# The indentation of a line, and the sign of a list's item.
_LEAD = re.compile(r" *(?:(?:[-*+•]|\d{1,3}[.)]) +)?")


@lru_cache(maxsize=16_384)
def width_of_character(character: str) -> int:
    """0 for what is written into the cell before it, 2 for what East Asian Width calls wide or full-width, else 1.

    Source: https://www.unicode.org/reports/tr11/
    """
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def width_of(text: str) -> int:
    """How many cells a line takes."""
    return len(text) if text.isascii() else sum(map(width_of_character, text))


def cut(text: str, width: int) -> str:
    """A line that takes at most `width` cells, which is at least 1; "…" stands where something was left out."""
    if width_of(text) <= width:
        return text
    used = end = 0
    for character in text:
        used += width_of_character(character)
        if used > width - 1:
            break
        end += 1
    return text[:end].rstrip() + "…"


def pad(text: str, width: int) -> str:
    """A line cut or filled up with spaces to `width` cells."""
    text = cut(text, width)
    return text + " " * (width - width_of(text))


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, which are at least 2, broken between words or, where there are none, between signs.

    What goes on from an indented line or a list's item is indented as far.
    """
    return [piece for line in text.expandtabs(_TAB_CELLS).split("\n") for piece in _wrap_line(line.rstrip(), width)]


def _wrap_line(line: str, width: int) -> list[str]:
    lead = _LEAD.match(line)
    indent = " " * (lead.end() if lead and lead.end() <= min(width // 2, width - 2) else 0)
    pieces: list[str] = []
    start, before, room = 0, "", width
    while _is_wider(line, start, room):
        end = _find_break(line, start, room)
        pieces.append(before + line[start:end].rstrip())
        start = end
        while start < len(line) and line[start] == " ":
            start += 1
        before, room = indent, width - len(indent)
    if start < len(line) or not pieces:
        pieces.append(before + line[start:])
    return pieces


def _is_wider(line: str, start: int, width: int) -> bool:
    # Of a line without end, no more than its beginning is looked at: what takes no room is seldom half of it.
    return width_of(line[start : start + 2 * width + 1]) > width or len(line) - start > 2 * width + 1


def _find_break(line: str, start: int, width: int) -> int:
    """Where the line that begins at `start` ends: at the last good place or, if there is none, at the last possible one."""
    used = 0
    good = start
    seen_text = False
    for place in range(start, len(line)):
        if place > start and seen_text and _may_break(line[place - 1], line[place]):
            good = place
        used += width_of_character(line[place])
        if used > width:
            # A space beyond the edge is not seen.
            return good if good > start else _before_marks(line, place, start)
        seen_text = seen_text or line[place] != " "
    return len(line)


def _may_break(before: str, after: str) -> bool:
    if width_of_character(after) == 0 or before == _JOINER:
        return False
    if before == " " or after == " ":
        return True
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return width_of_character(before) == 2 or width_of_character(after) == 2


def _before_marks(line: str, place: int, start: int) -> int:
    """Not between a letter and what is written into its cell."""
    end = place
    while end > start + 1 and width_of_character(line[end]) == 0:
        end -= 1
    return max(end, start + 1)
