"""Ids of other programs, in a form that every store and URL of chatlog can carry: always the same for the same id."""

from __future__ import annotations

import hashlib
import json

from chatlog.domain.ids import check_id
from chatlog.errors import InvalidId

_JOINT = ":"
# What comes below an id (a message's further remarks are `<id>.1`, `<id>.2` …) must be one, too.
_LONGEST_BELOW = ".999999"


def carry(*parts: str, prefix: str) -> str:
    """The id made of these parts, or, where that cannot be one or could be another's, `prefix` and 32 digits made from them."""
    is_clear = len(parts) == 1 or not any(_JOINT in part for part in parts)
    try:
        if is_clear:
            joined = check_id(_JOINT.join(parts), field="id")
            check_id(joined + _LONGEST_BELOW, field="id")
            return joined
    except InvalidId:
        pass  # then the digits stand for it
    return f"{prefix}_{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"
