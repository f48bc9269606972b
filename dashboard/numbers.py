"""Numbers of remarks as they come in an address or a form."""

from __future__ import annotations

from collections.abc import Mapping

from chatlog.errors import InvalidNumber

# 2**53 - 1, the highest sequence there can be, has sixteen; int() of a very long number would take its time.
_MAX_DIGITS = 16


def find_number(values: Mapping[str, object], name: str) -> int | None:
    """The number under that name, or `None` without one. Raises `InvalidNumber`."""
    text = values.get(name)
    return None if text is None else read_number(str(text), name=name)


def read_number(text: str, *, name: str) -> int:
    """Raises `InvalidNumber` for anything but ASCII digits."""
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidNumber(name, f"{text[:40]!r} is not the number of a remark.")
    return int(text)
