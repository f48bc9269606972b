"""What the search page says: what it did not understand, how much it found, and why there is nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chatlog.domain.models import SessionState
from chatlog.domain.query import MAX_QUERY_CHARACTERS, MAX_TERMS, Complaint, Field, ParsedQuery, Problem
from chatlog.services.searching import FoundPage

# A word that looks like a filter and is none.
_UNKNOWN_FILTER = re.compile(r"(?<!\S)\w+[:：](?=\S)(?!//)")


_COMPLAINTS = {
    Complaint.UNKNOWN_STATUS: gettext_lazy("“%(part)s” names no status. There are %(states)s."),
    Complaint.NOT_A_DATE: gettext_lazy("“%(part)s” names no day. Write year, month and day, as in after:2026-11-23."),
    Complaint.EMPTY: gettext_lazy("“%(part)s” has nothing after its colon. Write a value there, or take it out."),
    Complaint.BACKWARDS: gettext_lazy("“%(part)s” leaves no time between. The day after “after:” must be the earlier one."),
    Complaint.TOO_LONG: gettext_lazy("That is longer than %(most_characters)s characters. Search for a few words of it."),
    Complaint.TOO_MANY_TERMS: gettext_lazy(
        "These are %(part)s words, and at most %(most_terms)s are searched for. Leave some out."
    ),
}


def explain_problem(problem: Problem) -> str:
    """What is wrong with a part of the query, and what to do."""
    return str(_COMPLAINTS[problem.complaint]) % {
        "part": problem.part,
        "states": ", ".join(f"status:{state}" for state in SessionState),
        "most_characters": f"{MAX_QUERY_CHARACTERS:,}",
        "most_terms": MAX_TERMS,
    }


def say_count(page: FoundPage, *, is_first: bool) -> str:
    """How much is on a page: exact if that is all, else without a total that nobody has counted."""
    texts = {
        (True, False): _("%(hits)s in %(sessions)s"),
        (True, True): _("The first %(hits)s, newest sessions first; older ones follow."),
        (False, True): _("The next %(hits)s, in %(sessions)s; older ones follow."),
        (False, False): _("The last %(hits)s, in %(sessions)s."),
    }
    hits, sessions = page.hit_count, len(page.sessions)
    return texts[is_first, page.next_cursor is not None] % {
        "hits": ngettext("%(count)s hit", "%(count)s hits", hits) % {"count": hits},
        "sessions": ngettext("%(count)s session", "%(count)s sessions", sessions) % {"count": sessions},
    }


def explain_nothing(parsed: ParsedQuery) -> Iterator[str]:
    """Why nothing may have matched, as far as the query itself shows."""
    if unknown := _UNKNOWN_FILTER.search(parsed.words):
        yield _("“%(part)s” is no filter and was searched for as text. Filters are %(filters)s.") % {
            "part": unknown[0],
            "filters": ", ".join(f"{name}:" for name in Field),
        }
    if len(parsed.terms) > 1:
        yield _("All %(count)s words must stand in the same remark. Leave some out.") % {"count": len(parsed.terms)}
    if any(term.is_quoted for term in parsed.terms):
        yield _("What is in quotes is found only exactly so.")
    if any(not term.is_quoted and term.text[0].isascii() and term.text[0].isalnum() for term in parsed.terms):
        yield _("A word is found from its beginning: “plan” finds “planner”, not “airplane”.")
    if Field.AGENT in parsed.values:
        yield _("With agent: only what these speakers said is searched, no titles and tasks; the whole name must be right.")
