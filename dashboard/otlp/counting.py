"""How many things are in a body, before any of them is made: an empty span has two bytes on its way and two hundred in memory.

Bodies that are not large need not be looked at.
"""

from __future__ import annotations

from dashboard.api.problems import Problem

SMALL_BYTES = 1024 * 1024
MAX_SPANS = 100_000
MAX_PARTS = 1_000_000
# The field in which each level has the next, by trace.proto of OTLP: requests, resources, scopes, spans; of a span its
# attributes and events.
_INSIDE = ({1}, {2}, {2}, {9, 11})
_SPANS = 2
_FIXED = {1: 8, 5: 4}  # how many bytes a field has, by its wire type


def check_json(body: bytes) -> None:
    """Raises `Problem`."""
    if len(body) > SMALL_BYTES and body.count(b"{") > MAX_PARTS:
        raise _too_many(MAX_PARTS, "objects")


def check_protobuf(body: bytes) -> None:
    """Raises `Problem`. What is no protobuf is left to whoever reads it."""
    if len(body) <= SMALL_BYTES:
        return
    spans = parts = 0
    to_do = [(0, len(body), 0)]
    while to_do:
        at, end, level = to_do.pop()
        while at < end:
            key, at = _varint(body, at)
            if key & 7 == 2:
                size, at = _varint(body, at)
                if key >> 3 in _INSIDE[level]:
                    parts += 1
                    spans += level == _SPANS
                    if level < len(_INSIDE) - 1:
                        to_do.append((at, min(at + size, end), level + 1))
                at += size
            elif key & 7 == 0:
                _, at = _varint(body, at)
            else:
                at += _FIXED.get(key & 7, len(body))
            if spans > MAX_SPANS:
                raise _too_many(MAX_SPANS, "spans")
            if parts > MAX_PARTS:
                raise _too_many(MAX_PARTS, "spans, attributes and events")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends; the end of the body if it does not end."""
    number = shift = 0
    while at < len(body):
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            break
    return 0, len(body)


def _too_many(limit: int, what: str) -> Problem:
    return Problem(413, f"The body has more than {limit:,} {what}. Export smaller batches.")
