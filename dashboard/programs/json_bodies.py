"""Bodies as JSON: what programs send is read strictly, and what they are answered is written as short as it can be."""

from __future__ import annotations

import json
import sys
from typing import Any

from chatlog.domain.limits import MAX_INTEGER
from dashboard.programs.problems import Problem, wrong_field

_CONTAINERS = (dict, list)


def to_json(value: Any) -> bytes:
    # Documents that chatlog did not write may hold a lone surrogate, which has no UTF-8 form.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


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
