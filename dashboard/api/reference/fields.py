"""Fields of a JSON schema, told in words: their type, what they may be, and what they are without being sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.rendering import render_markdown

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type, and the name to look it up under if it is one of the document's own."""

    words: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kinds: tuple[Kind, ...]
    is_required: bool
    limits: str
    default: str
    about: str  # HTML
    place: str = ""  # of a parameter: path, query, header


def list_fields(schema: Schema, *, is_sent: bool) -> list[Field]:
    """Of an object. Of what is answered, every field is always there; only of what is sent it is worth saying."""
    required = schema.get("required", ())
    return [
        describe_field(name, inner, is_required=is_sent and name in required)
        for name, inner in schema.get("properties", {}).items()
    ]


def describe_field(name: str, schema: Schema, *, is_required: bool, place: str = "", about: str = "") -> Field:
    return Field(
        name=name,
        kinds=tuple(list_kinds(schema)),
        is_required=is_required,
        limits="; ".join(_list_limits(schema)),
        default=_describe_default(schema),
        about=describe_text(about or schema.get("description", "")),
        place=place,
    )


def describe_text(text: str) -> str:
    """As HTML. Docstrings are wrapped where the line ends; only an empty line means something."""
    return render_markdown("\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n")))


def list_kinds(schema: Schema) -> Iterator[Kind]:
    """The types a value may have: a choice is several."""
    for choice in _list_choices(schema):
        if "$ref" in choice:
            name = choice["$ref"].rsplit("/", 1)[1]
            yield Kind(name, name)
        elif choice.get("type") == "array":
            yield from (Kind(f"{kind.words}[]", kind.name) for kind in list_kinds(choice.get("items", {})))
        else:
            yield Kind(choice.get("format") or choice.get("type") or "any")


def _list_choices(schema: Schema) -> list[Schema]:
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return [inner for choice in schema[word] for inner in _list_choices(choice)]
    return [schema]


def _list_limits(schema: Schema) -> Iterator[str]:
    for choice in _list_choices(schema):
        yield from _limits_of(choice)
        if "items" in choice:
            yield from (f"each {limit}" for limit in _list_limits(choice["items"]))


def _limits_of(schema: Schema) -> Iterator[str]:
    for low, high, unit in _RANGES:
        if low in schema or high in schema:
            yield _describe_range(schema.get(low), schema.get(high), unit)
    if "enum" in schema:
        yield "one of " + ", ".join(map(str, schema["enum"]))
    if "pattern" in schema:
        yield f"of the form {schema['pattern']}"


_RANGES = (("minLength", "maxLength", " characters"), ("minItems", "maxItems", " entries"), ("minimum", "maximum", ""))


def _describe_range(low: int | None, high: int | None, unit: str) -> str:
    if high is None:
        return "not empty" if low == 1 else f"at least {low:,}{unit}"
    return f"at most {high:,}{unit}" if unit and not low else f"{low:,} to {high:,}{unit}"


def _describe_default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, [], {}) else json.dumps(default, ensure_ascii=False)
