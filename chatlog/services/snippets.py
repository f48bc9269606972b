"""The part of a text that a search shows: what stands around the first place found, with every place in it marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from chatlog.domain.search import Term, find_marks
from chatlog.domain.text import search_form

SNIPPET_CHARACTERS = 160
LEAD_CHARACTERS = 40
# How far a cut moves to fall between words or sentences.
SLACK = 24
# Marking takes about 2 µs a character, so a long text is narrowed down first, by its search form at a tenth of that.
_STEPS = (8192, 256)
# Beside what a step covers, so that what lies across its border is whole in it. Marks and white space that a search form
# leaves out may make a match longer in the text than the term is.
_REACH = 64
_LONGEST_CLUSTER = 16

_WHITE_SPACE = re.compile(r"\s+")
_AFTER_BREAK = re.compile(r"(?<=[\s。、．，！？!?；：」』）】])")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Snippet:
    """One line of a text.

    Attributes:
        pieces: (text, whether the search found it), in order. An ellipsis stands where something was cut off.
    """

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.pieces)


def make_snippet(terms: Sequence[Term], text: str) -> Snippet:
    """The part around the first place where one of the terms occurs; the beginning if none can be pointed at.

    About 40 characters before it, 160 in all, cut between words where that is near; line breaks become spaces.
    """
    start, end = _find_window(terms, text)
    line = _WHITE_SPACE.sub(" ", text[start:end])
    is_start, is_end = start == 0, end == len(text)
    marks = [mark for mark in find_marks(terms, line) if _is_whole(mark, line, is_start=is_start, is_end=is_end)]
    begin, stop = _cut(line, marks[0] if marks else (0, 0))
    pieces = _pieces(line, marks, begin, stop)
    before = [] if is_start and not line[:begin].strip() else [("…", False)]
    after = [] if is_end and not line[stop:].strip() else [("…", False)]
    return Snippet((*before, *pieces, *after))


def _find_window(terms: Sequence[Term], text: str) -> Span:
    """A part of the text that has the first match in it, and room for a snippet around it."""
    start, end = 0, len(text)
    for step in _STEPS:
        if end - start > 2 * step:
            start, end = _find_part(terms, text, start, end, step)
    return max(0, start - LEAD_CHARACTERS - SLACK), min(len(text), end + SNIPPET_CHARACTERS)


def _find_part(terms: Sequence[Term], text: str, start: int, end: int, step: int) -> Span:
    reach = _REACH + 2 * max(len(term.text) for term in terms)
    for place in range(start, end, step):
        part = max(0, place - reach), min(len(text), place + step + reach)
        if _occurs(terms, text, part):
            return part
    return start, min(end, start + step)


def _occurs(terms: Sequence[Term], text: str, part: Span) -> bool:
    form = search_form(text[slice(*part)])
    return any(
        _is_whole(span, form, is_start=part[0] == 0, is_end=part[1] == len(text))
        for term in terms
        if term.text in form
        for span in term.find_spans(form)
    )


def _is_whole(span: Span, part: str, *, is_start: bool, is_end: bool) -> bool:
    """Whether it is a match in the whole text too: at the border of a part, what stands beside it is not known."""
    return (is_start or span[0] > 0) and (is_end or span[1] < len(part))


def _cut(line: str, match: Span) -> Span:
    """Where the snippet begins and stops; a match at the end of the line leaves room before it."""
    begin = max(0, min(match[0] - LEAD_CHARACTERS, len(line) - SNIPPET_CHARACTERS))
    if begin > 0:
        found = _AFTER_BREAK.search(line, begin, min(begin + SLACK, match[0]))
        begin = found.start() if found else _cluster_start(line, begin)
    stop = min(len(line), begin + SNIPPET_CHARACTERS)
    if stop < len(line):
        breaks = [found.start() for found in _AFTER_BREAK.finditer(line, max(begin, stop - SLACK, match[1]), stop)]
        stop = breaks[-1] if breaks else _cluster_start(line, stop)
    shown = line[begin:stop]
    return begin + len(shown) - len(shown.lstrip()), begin + len(shown.rstrip())


def _cluster_start(line: str, place: int) -> int:
    """The place, or where the letter begins whose marks stand there."""
    for near in range(place, max(0, place - _LONGEST_CLUSTER), -1):
        if not _continues(line[near]) and line[near - 1] != "\N{ZERO WIDTH JOINER}":
            return near
    return place


def _continues(character: str) -> bool:
    return character in "\N{ZERO WIDTH JOINER}ﾞﾟ" or unicodedata.category(character).startswith("M")


def _pieces(line: str, marks: Sequence[Span], begin: int, stop: int) -> list[tuple[str, bool]]:
    borders, place = list[tuple[str, bool]](), begin
    for start, end in ((max(start, begin), min(end, stop)) for start, end in marks if start < stop and end > begin):
        borders += [(line[place:start], False), (line[start:end], True)]
        place = end
    return [(text, is_match) for text, is_match in (*borders, (line[place:stop], False)) if text]
