"""How many things are in a body, before any of them is made: an empty span has two bytes on its way and two hundred in memory.

Bodies that are not large need not be looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from dashboard.programs.problems import Problem

SMALL_BYTES = 1024 * 1024
MAX_SPANS = 100_000
MAX_PARTS = 1_000_000
# Where protobuf has a part, JSON has an object and what is in it.
MAX_JSON_VALUES = 2 * MAX_PARTS
MAX_DEPTH = 100  # protobuf's own limit
_FIXED = {1: 8, 5: 4}  # how many bytes a field has, by its wire type
_GROUPS = {3, 4}  # begin and end among the fields, and have no length: what is in them is looked at as if it were outside
_TEXT_OR_MARK = re.compile(r'"[^"]*"?|[{\[,]')


def check_json(body: bytes) -> None:
    """Raises `Problem`."""
    if len(body) <= SMALL_BYTES or sum(body.count(mark) for mark in (b"{", b"[", b",")) <= MAX_JSON_VALUES:
        return
    # Most of them may be inside of texts. They are decoded as whoever reads them will: a quote may be half a letter of UTF-16.
    text = body.decode(json.detect_encoding(body), "replace")
    values = 0
    for found in _TEXT_OR_MARK.finditer(text.replace("\\\\", "").replace('\\"', "")):
        values += not found[0].startswith('"')
        if values > MAX_JSON_VALUES:
            raise _too_many(MAX_JSON_VALUES, "values")


def check_protobuf(body: bytes, message: Any) -> None:
    """Look at a body that is to be a message of that descriptor. Raises `Problem`.

    What is no protobuf is left to whoever reads it.
    """
    if len(body) <= SMALL_BYTES:
        return
    spans = 0
    for parts, name in enumerate(_walk(body, message), 1):
        spans += name == "spans"
        if spans > MAX_SPANS:
            raise _too_many(MAX_SPANS, "spans")
        if parts > MAX_PARTS:
            raise _too_many(MAX_PARTS, "spans, attributes, events and values")


def _walk(body: bytes, message: Any) -> Iterator[str]:
    """The name of each field that becomes an object of its own, at any depth."""
    unfinished = [(0, len(body), _fields(message))]
    while unfinished:
        at, end, fields = unfinished.pop()
        while at < end:
            key, at = _varint(body, at)
            kind = key & 7
            if kind == 2:
                size, at = _varint(body, at)
                field = fields.get(key >> 3)
                if field is not None:
                    yield field.name
                    if size and field.message_type is not None:
                        unfinished.append((at + size, end, fields))
                        end, fields = min(at + size, end), _fields(field.message_type)
                        if len(unfinished) > MAX_DEPTH:
                            raise Problem(400, f"The body is nested more than {MAX_DEPTH} levels deep.")
                        continue
                at += size
            elif kind == 0:
                _, at = _varint(body, at)
            elif kind not in _GROUPS:
                at += _FIXED.get(kind, len(body))


@cache
def _fields(message: Any) -> dict[int, Any]:
    """The fields of a message that are messages or lists, by their numbers."""
    return {field.number: field for field in message.fields if field.message_type or field.label == field.LABEL_REPEATED}


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
