"""The one matching rule as a function that SQLite can call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import apsw

from chatlog.domain.search import Term, matches


def add_matching(connection: apsw.Connection) -> None:
    """Let queries on this connection say `matches_terms(terms, form)`."""
    connection.create_scalar_function("matches_terms", _matches_terms, 2, deterministic=True)


def terms_to_json(terms: Sequence[Term]) -> str:
    """Terms as one parameter. In ASCII: a lone surrogate, which a query may have, has no other form."""
    return json.dumps([(term.text, term.is_quoted) for term in terms])


def find_needle(terms: Sequence[Term]) -> str:
    """The longest term's text, which no form that matches is without. With a lone surrogate it is in no form anyway."""
    longest = max((term.text for term in terms), key=len, default="")
    return longest.encode("utf-8", "replace").decode()


def _matches_terms(*values: Any) -> bool:
    terms, form = values
    return matches(_read_terms(terms), form)


@lru_cache(maxsize=64)
def _read_terms(terms: str) -> tuple[Term, ...]:
    return tuple(Term(text, is_quoted) for text, is_quoted in json.loads(terms))
