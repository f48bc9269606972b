"""What matches a search, and where. The one rule; stores only propose candidates to it.

Every term must occur: one that begins with a letter of a script without spaces (空間), or with a sign, anywhere; any other
word where a word begins ("plan" finds "planner", not "airplane"); "quoted text" as it stands, from where a word begins to
where one ends. All of it in the `search_form` of both sides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatlog.domain.text import search_form

# Scripts written without spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, kana, Han; and Hangul, whose words take
# endings. Source: https://www.unicode.org/Public/UCD/latest/ucd/Blocks.txt
UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_SPACED_LETTER = rf"[^\W_{UNSPACED}]"
_BEGINS_WITH_WORD = re.compile(_SPACED_LETTER)
_ENDS_WITH_WORD = re.compile(rf"{_SPACED_LETTER}\Z")
_PIECES = re.compile(r'"([^"]*)"|([^\s"]+)')
# Vowels and final consonants of decomposed Hangul, and the half-width dots of kana: they belong to the letter before.
_TRAILING = re.compile("[\u1160-\u11ff\uff9e\uff9f]")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must occur.

    Attributes:
        text: in its `search_form`, never empty.
        is_quoted: it stands in quotes, so that it must also end where a word ends.
    """

    text: str
    is_quoted: bool = False

    def find_spans(self, form: str) -> list[tuple[int, int]]:
        """Where it occurs in a text's `search_form`, as (start, end)."""
        return [found.span() for found in _pattern(self).finditer(form)]

    def occurs_in(self, form: str) -> bool:
        """Whether it occurs in a text's `search_form`."""
        return self.text in form and _pattern(self).search(form) is not None


def parse_terms(text: str) -> tuple[Term, ...]:
    """The terms of a text that somebody typed: words, and "quoted text". A quote that is never closed is a sign like others."""
    terms = (
        Term(form, is_quoted=bool(quoted))
        for quoted, word in _PIECES.findall(_plain_quotes(text))
        if (form := search_form(quoted or word).strip())
    )
    return tuple(dict.fromkeys(terms))


def matches(terms: Iterable[Term], form: str) -> bool:
    """Whether every term occurs in a text's `search_form`."""
    return all(term.occurs_in(form) for term in terms)


def find_marks(terms: Sequence[Term], text: str) -> list[tuple[int, int]]:
    """Where the terms occur in `text` as it was written: (start, end), in order, none overlapping.

    Empty if none occurs, or if its search form cannot be traced back letter by letter.
    """
    form = search_form(text)
    if len(form) == len(text) and form == "".join(map(_form, text)) and not any(map(_continues, text)):
        return _merged(sorted(span for term in terms for span in term.find_spans(form)))  # each letter's form is one letter
    clusters = _clusters(text)
    starts, origins = "", list[int]()
    for start, cluster in clusters:
        piece = _form(cluster)
        if piece == " " and starts.endswith(" "):
            continue
        starts += piece
        origins += [start] * len(piece)
    if starts != form:
        return []
    ends = {start: start + len(cluster) for start, cluster in clusters}
    found = sorted((origins[a], ends[origins[b - 1]]) for term in terms for a, b in term.find_spans(starts))
    return _merged(found)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _clusters(text: str) -> list[tuple[int, str]]:
    """Each letter with the marks that belong to it, and where it starts."""
    clusters: list[tuple[int, str]] = []
    for position, character in enumerate(text):
        if clusters and _continues(character):
            start, before = clusters[-1]
            clusters[-1] = (start, before + character)
        else:
            clusters.append((position, character))
    return clusters


@lru_cache(maxsize=8192)
def _form(cluster: str) -> str:
    return search_form(cluster)


@lru_cache(maxsize=8192)
def _continues(character: str) -> bool:
    return character > "\x7f" and (
        unicodedata.category(unicodedata.normalize("NFKD", character)[0]).startswith("M") or bool(_TRAILING.match(character))
    )


@lru_cache(maxsize=512)
def _pattern(term: Term) -> re.Pattern[str]:
    begin = rf"(?<!{_SPACED_LETTER})" if _BEGINS_WITH_WORD.match(term.text) else ""
    end = rf"(?!{_SPACED_LETTER})" if term.is_quoted and _ENDS_WITH_WORD.search(term.text) else ""
    return re.compile(begin + re.escape(term.text) + end)


def _plain_quotes(text: str) -> str:
    return text.translate({ord(quote): '"' for quote in "“”„‟＂"})
