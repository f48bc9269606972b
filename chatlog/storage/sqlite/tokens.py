"""What the search index holds of a text, and what it is asked for. It only proposes: `domain.search` decides what matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chatlog.domain.search import UNSPACED, Term
from chatlog.domain.text import search_form

_WORD_CHARACTERS = 64
# More of a query would hardly narrow it down further, and SQLite bounds the depth of an expression.
_MOST_RUNS = 32
_MOST_PAIRS = 16

# A run of letters of a script without spaces; a word; any other sign beyond ASCII by itself (an emoji, a combining mark).
# Lone surrogates, which a query may have, are in no stored text.
_RUNS = re.compile(rf"([{UNSPACED}]+)|([^\W_{UNSPACED}]+)|[^\x00-\x7f\s\ud800-\udfff]")


def index_text(text: str) -> str:
    """The tokens of a text, with spaces between them."""
    return " ".join(_tokens(search_form(text)))


def match_expression(terms: Iterable[Term]) -> str | None:
    """A query in FTS5's language for everything that the terms may match, and more; `None` if that is all there is.

    Made of letters and of signs beyond ASCII, each token in quotes: nothing in it can be taken for an operator.
    """
    phrases = dict.fromkeys(phrase for term in terms for phrase in _phrases(term))
    return " AND ".join(sorted(phrases, key=len, reverse=True)[:_MOST_RUNS]) or None


def _tokens(form: str) -> Iterator[str]:
    for run in _RUNS.finditer(form):
        unspaced, word = run.groups()
        if word:
            yield word[:_WORD_CHARACTERS]
        elif unspaced:
            # Overlapping pairs, then the last letter alone: each letter begins one token.
            for start in range(len(unspaced)):
                yield unspaced[start : start + 2]
        else:
            yield run[0]


def _phrases(term: Term) -> Iterator[str]:
    for run in _RUNS.finditer(term.text):
        unspaced, word = run.groups()
        if word:
            may_go_on = run.end() == len(term.text) and not term.is_quoted
            yield f'"{word[:_WORD_CHARACTERS]}"' + ("*" if may_go_on else "")
        elif unspaced and len(unspaced) > 1:
            pairs = [unspaced[start : start + 2] for start in range(min(len(unspaced) - 1, _MOST_PAIRS))]
            yield '"' + " ".join(pairs) + '"'
        else:
            yield f'"{run[0]}"' + ("*" if unspaced else "")
