"""A call as a line for a shell: it works as it stands where `SITE`, `CHATLOG_TOKEN` and `SESSION` are set."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

_HEADER = '-H "Authorization: Bearer $CHATLOG_TOKEN"'


def write_curl(
    *,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
    is_stream: bool = False,
) -> str:
    """`query` is what the call needs in its address, no more."""
    options = ["-N"] if is_stream else []
    options += ["-G"] if query else []
    options += [f"-X {method}"] if method not in {"GET", "POST"} else []
    address = path.replace("{session_id}", "$SESSION")
    lines = [" ".join(["curl", *options, f'"$SITE{address}"', _HEADER])]
    lines += [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in query]
    if body:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join(lines)
