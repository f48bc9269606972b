"""Names of things: what an id may look like, and how new ones are made."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from datetime import datetime

from chatlog.domain.clock import utc_now
from chatlog.errors import InvalidId

MAX_ID_CHARACTERS = 255
# A stored message's id is its session's plus "_msg_" and a number; together they must fit Cosmos DB's 1,023 bytes.
# Source: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_ID_BYTES = 990
# Cosmos DB refuses these four; the rest could not be told apart on a page or in a log.
_UNUSABLE = re.compile(r"[/\\?#\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def new_session_id(at: datetime | None = None) -> str:
    """`session_20261123_143022_` and 26 random characters: sorts by its start (UTC) and cannot be guessed (130 bits)."""
    stamp = (at or utc_now()).strftime("%Y%m%d_%H%M%S")
    return f"session_{stamp}_" + "".join(secrets.choice(_BASE32) for _ in range(26))


def new_message_id() -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then 74 random ones."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def check_id(value: object, *, field: str) -> str:
    r"""Return `value` if every store and every URL can carry it as an id.

    Raises:
        InvalidId: empty, over 255 characters or 990 bytes, with one of `/ \ ? #` or a control character,
            with a space at an end, or `.` or `..`, which a browser would resolve away.
    """
    if not isinstance(value, str) or not value:
        raise InvalidId(field, f"{value!r} is not a name; it needs 1 to {MAX_ID_CHARACTERS} characters of text.")
    if len(value) > MAX_ID_CHARACTERS:
        raise InvalidId(field, f"{value[:40]!r}… has {len(value)} characters; the limit is {MAX_ID_CHARACTERS}.")
    if found := _UNUSABLE.search(value):
        raise InvalidId(
            field, f"{value!r} has {found[0]!r} at position {found.start()}; / \\ ? # and control characters are not possible."
        )
    if len(value.encode()) > MAX_ID_BYTES:
        raise InvalidId(field, f"{value[:40]!r}… has {len(value.encode())} bytes in UTF-8; the limit is {MAX_ID_BYTES}.")
    if value != value.strip() or value in {".", ".."}:
        raise InvalidId(field, f"{value!r} would change on its way through a URL; avoid outer spaces, '.' and '..'.")
    return value
