"""List cursors: where a page ended, as an opaque text that fits a URL."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NamedTuple

from chatlog.errors import InvalidCursor


class SessionCursor(NamedTuple):
    """The session at the border of a page. `created_at` is the text as stored, so that comparing needs no conversion.

    Attributes:
        is_backwards: the page wanted lies before it, with newer sessions.
    """

    created_at: str
    session_id: str
    is_backwards: bool = False


def encode_cursor(cursor: tuple[str | int | bool, ...]) -> str:
    """Write a cursor as URL-safe text."""
    return base64.urlsafe_b64encode(json.dumps(cursor, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(text: str) -> SessionCursor:
    """Read a list's cursor. Raises `InvalidCursor`."""
    created_at, session_id, is_backwards = read_cursor(text, str, str, bool)
    return SessionCursor(created_at, session_id, is_backwards)


def read_cursor(text: str, *kinds: type) -> list[Any]:
    """Read what `encode_cursor` wrote of values of these types. Raises `InvalidCursor`."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or [type(value) for value in values] != [*kinds]:
            raise TypeError("these are other values")
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise InvalidCursor("cursor", f"{text[:40]!r} was not given out by a list. Start from the first page.") from error
    return values
