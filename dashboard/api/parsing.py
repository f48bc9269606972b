"""Reading a body: JSON and nothing else, of bounded depth."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from chatlog.domain.limits import MAX_INTEGER
from dashboard.api.problems import Problem, wrong_field

# Deeper than anything a framework sends; Cosmos DB itself ends at 128.
# Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_DEPTH = 32
_CONTAINERS = (dict, list)


class StrictParser(Parser):
    """Raises `Problem` from inside ninja's own "cannot parse", where `find_problem` gets it back."""

    def parse_body(self, request: HttpRequest) -> Any:
        _check_headers(request)
        return read_json(request.body, max_depth=MAX_DEPTH)


def read_json(body: bytes, *, max_depth: int) -> Any:
    """What a body says. Raises `Problem`."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep(max_depth) from error
    except json.JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}.") from error
    except ValueError as error:  # Python's own, and the only one left: it reads no integer of some thousand digits
        message = f"has a whole number of more than {sys.get_int_max_str_digits():,} digits. Send it as text."
        raise wrong_field("body", message, limit=MAX_INTEGER) from error
    if _is_deeper(value, max_depth):
        raise _too_deep(max_depth)
    return value


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


def _refuse_constant(name: str) -> None:
    raise Problem(400, f"The body is not JSON: {name} is no JSON number.")


def _too_deep(max_depth: int) -> Problem:
    return wrong_field("body", f"is nested more than {max_depth} levels deep.", limit=max_depth)


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        containers = [one for one in layer if isinstance(one, _CONTAINERS)]
        layer = [inner for one in containers for inner in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, _CONTAINERS) for one in layer)


def find_problem(error: BaseException) -> BaseException:
    """The error itself, or the problem with the body that ninja wrapped."""
    return error.__cause__ if isinstance(error.__cause__, Problem) else error
