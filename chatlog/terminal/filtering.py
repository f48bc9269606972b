"""`--filter`: which discussions are meant, in the words of the pages' search box."""

from __future__ import annotations

from argparse import ArgumentParser

from chatlog.domain.filters import SessionFilter
from chatlog.domain.query import parse_query
from chatlog.terminal.endings import IMPOSSIBLE, Ending
from chatlog.terminal.zone import local_zone


def add_filter_argument(parser: ArgumentParser) -> None:
    """`--filter`."""
    parser.add_argument("--filter", metavar="TEXT", help='those that this finds in the list: "status:failed after:2026-11-01"')


def read_filter(text: str | None) -> SessionFilter:
    """The filter that was written. Raises `Ending` for what is not understood."""
    query = parse_query(text or "", zone=local_zone())
    if query.problems:
        parts = ", ".join(f"{problem.part} ({problem.complaint.replace('_', ' ')})" for problem in query.problems)
        raise Ending(f"--filter is not understood: {parts}.", status=IMPOSSIBLE)
    return query.as_filter()
