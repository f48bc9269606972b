"""Reading a body of the API: JSON and nothing else, of bounded depth."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from dashboard.programs.json_bodies import read_json
from dashboard.programs.problems import Problem, wrong_field

# Deeper than anything a framework sends; Cosmos DB itself ends at 128.
# Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_DEPTH = 32


class StrictParser(Parser):
    """Raises `Problem` from inside ninja's own "cannot parse", where `find_problem` gets it back."""

    def parse_body(self, request: HttpRequest) -> Any:
        _check_headers(request)
        return read_json(request.body, max_depth=MAX_DEPTH)


def _check_headers(request: HttpRequest) -> None:
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise wrong_field(
            "Content-Encoding", "is not understood. Send the body as it is.", value=encoding, limit="identity", status=415
        )
    kind = request.content_type or ""
    if kind != "application/json":
        message = "is not understood. Send JSON, and say so with “Content-Type: application/json”."
        raise wrong_field("Content-Type", message, value=kind, limit="application/json", status=415)


def find_problem(error: BaseException) -> BaseException:
    """The error itself, or the problem with the body that ninja wrapped."""
    return error.__cause__ if isinstance(error.__cause__, Problem) else error
