"""What the search index holds of a text, and what it is asked for. It only proposes: `domain.search` decides what matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chatlog.domain.search import UNSPACED, Term
from chatlog.domain.text import fold

# Of a longer word in a query, the beginning is asked for.
_WORD_CHARACTERS = 64
# More of a query would hardly narrow it down further, and SQLite bounds the depth of an expression.
_MOST_RUNS = 32
_MOST_PAIRS = 16

# Any other sign beyond ASCII by itself (an emoji, a combining mark). Lone surrogates, which a query may have, are in no stored
# text.
_SIGN = rf"[^\x00-\x7f\s{UNSPACED}\ud800-\udfff]"
_WORD = rf"[^\W_{UNSPACED}]+"
_RUNS = re.compile(rf"([{UNSPACED}]+)|({_WORD}|{_SIGN})")
# Of a run without spaces, overlapping pairs and then its last letter alone: each letter begins one token. Words go on as they
# stand, with what is between them, for the tokenizer parts them there; possessive, so that a long text is not kept twice.
_WORDS = rf"(?:[\x00-\x7f]++|{_WORD}+)++"
_PIECES = re.compile(rf"(?=([{UNSPACED}]{{1,2}}|{_WORDS}|{_SIGN}))(?:[{UNSPACED}]|{_WORDS}|{_SIGN})")


def index_text(text: str) -> str:
    """What the index is given of a text: the tokenizer 'ascii' finds its tokens in it."""
    return " ".join(_PIECES.findall(fold(text)))


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
            yield f'"{word[:_WORD_CHARACTERS]}"' + ("*" if may_go_on or len(word) > _WORD_CHARACTERS else "")
        elif len(unspaced) == 1:
            yield f'"{unspaced}"*'
        else:
            pairs = [unspaced[start : start + 2] for start in range(min(len(unspaced) - 1, _MOST_PAIRS))]
            yield '"' + " ".join(pairs) + '"'
