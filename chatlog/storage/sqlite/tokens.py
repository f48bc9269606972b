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

# A word; or any other sign beyond ASCII by itself (an emoji, a combining mark). Lone surrogates, which a query may have, are
# in no stored text.
_WORD_OR_SIGN = rf"([^\W_{UNSPACED}]+|[^\x00-\x7f\s{UNSPACED}\ud800-\udfff])"
_RUNS = re.compile(rf"([{UNSPACED}]+)|{_WORD_OR_SIGN}")
# Of a run without spaces, overlapping pairs and then its last letter alone: each letter begins one token.
_TOKENS = re.compile(rf"(?=([{UNSPACED}]{{1,2}}))[{UNSPACED}]|{_WORD_OR_SIGN}")


def index_text(text: str) -> str:
    """The tokens of a text, with spaces between them."""
    return " ".join([pair or word[:_WORD_CHARACTERS] for pair, word in _TOKENS.findall(search_form(text))])


def match_expression(terms: Iterable[Term]) -> str | None:
    """A query in FTS5's language for everything that the terms may match, and more; `None` if that is all there is.

    Made of letters and of signs beyond ASCII, each token in quotes: nothing in it can be taken for an operator.
    """
    phrases = dict.fromkeys(phrase for term in terms for phrase in _phrases(term))
    return " AND ".join(sorted(phrases, key=len, reverse=True)[:_MOST_RUNS]) or None


def _phrases(term: Term) -> Iterator[str]:
    for run in _RUNS.finditer(term.text):
        unspaced, word = run.groups()
        if word:
            may_go_on = run.end() == len(term.text) and not term.is_quoted and word.isalnum()
            yield f'"{word[:_WORD_CHARACTERS]}"' + ("*" if may_go_on else "")
        elif len(unspaced) == 1:
            yield f'"{unspaced}"*'
        else:
            pairs = [unspaced[start : start + 2] for start in range(min(len(unspaced) - 1, _MOST_PAIRS))]
            yield '"' + " ".join(pairs) + '"'
