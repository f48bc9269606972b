"""Attribute values of whatever type they came in, as the types that readers expect. Nothing here refuses anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.domain.limits import MAX_INTEGER

_TOO_DEEP = "(nested too deeply to be shown)"
# Lists that are spread over attributes (`llm.input_messages.3.message.role`) may have any number in their names.
_MOST_DIGITS = 6


def first(attributes: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these attributes that has one."""
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def text(attributes: Mapping[str, Any], *names: str) -> str | None:
    """The same as text; what is no text as JSON."""
    value = first(attributes, *names)
    return None if value is None else as_text(value)


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:  # writing goes less deep than reading
        return _TOO_DEEP


def count(attributes: Mapping[str, Any], *names: str) -> int | None:
    """A number of tokens, if there is one that can be."""
    value = first(attributes, *names)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_INTEGER:
        return None
    return int(value)


def parsed(value: Any) -> Any:
    """JSON in a text as what it means, anything else as it is: the same attribute comes in both forms."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # a text that only begins like JSON is a text
        return value


def usage(prompt: int | None, completion: int | None) -> dict[str, int] | None:
    """Tokens in the names that chatlog uses; `None` if nothing is told."""
    found = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {name: number for name, number in found.items() if number is not None} or None


def spread(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """A list that is spread over attributes: `prefix.0.role`, `prefix.0.content`, `prefix.1.role` … as its items, in order."""
    items: dict[int, dict[str, Any]] = {}
    for number, rest, value in _spread_over(attributes, prefix):
        items.setdefault(number, {})[rest] = value
    return [items[number] for number in sorted(items)]


def _spread_over(attributes: Mapping[str, Any], prefix: str) -> Iterator[tuple[int, str, Any]]:
    start = f"{prefix}."
    for name, value in attributes.items():
        if name.startswith(start):
            number, _, rest = name[len(start) :].partition(".")
            if number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
                yield int(number), rest, value
