"""List cursors: where a page of sessions ended, as an opaque text that fits a URL."""

from __future__ import annotations

import base64
import binascii
import json
from typing import NamedTuple

from chatlog.errors import InvalidCursor


class SessionCursor(NamedTuple):
    """The last session of a page. `created_at` is the text as stored, so that comparing needs no conversion."""

    created_at: str
    session_id: str


def encode_cursor(cursor: SessionCursor) -> str:
    """Write a cursor as URL-safe text."""
    return base64.urlsafe_b64encode(json.dumps(cursor, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(text: str) -> SessionCursor:
    """Read what `encode_cursor` wrote. Raises `InvalidCursor`."""
    try:
        created_at, session_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(created_at, str) or not isinstance(session_id, str):
            raise TypeError("a cursor holds two texts")
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidCursor("cursor", f"{text[:40]!r} was not given out by a list. Start from the first page.") from error
    return SessionCursor(created_at, session_id)
