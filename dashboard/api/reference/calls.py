"""The OpenAPI document as a page has it: calls by group with all that they take and answer, errors, and types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from dashboard.api.reference.examples import write_curl
from dashboard.api.reference.fields import Field, Kind, describe_field, describe_text, list_fields, list_kinds

Json = Mapping[str, Any]
_PROBLEM = "Problem"
_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """`contents` are types of media, each with what the document says it is made of."""

    status: int
    phrase: str
    about: str  # HTML
    contents: tuple[tuple[str, tuple[Kind, ...]], ...]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`problems` are statuses, which mean the same everywhere and are told once."""

    name: str
    method: str
    path: str
    summary: str
    scope: str
    about: str  # HTML
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    most_in_a_list: int
    answers: tuple[Answer, ...]
    problems: tuple[int, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Type:
    """An object with fields, or one of some words."""

    name: str
    about: str  # HTML
    fields: tuple[Field, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    groups: Mapping[str, list[Call]]
    problems: tuple[Answer, ...]
    types: tuple[Type, ...]


def read_document(document: Json) -> Reference:
    groups: dict[str, list[Call]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append(_read_call(document, path, method.upper(), operation))
    responses = document["components"]["responses"]
    problems = [_read_answer(name.removeprefix(_PROBLEM), response) for name, response in responses.items()]
    # What is sent is told where it is sent.
    sent = {kind.name for operations in document["paths"].values() for one in operations.values() for kind in _list_sent(one)}
    types = [_read_type(name, schema) for name, schema in sorted(document["components"]["schemas"].items()) if name not in sent]
    return Reference(dict(groups), tuple(problems), tuple(types))


def _read_call(document: Json, path: str, method: str, operation: Json) -> Call:
    body, most = _find_body(document, operation)
    example = body["examples"][0] if body else {}
    parameters = [
        describe_field(
            one["name"],
            one["schema"],
            is_required=one.get("required", False),
            place=one["in"],
            about=one.get("description", ""),
        )
        for one in operation.get("parameters", ())
    ]
    responses = operation["responses"]
    statuses = sorted(responses, key=int)
    good = [status for status in statuses if int(status) < HTTPStatus.BAD_REQUEST]
    return Call(
        name=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        scope=operation["security"][0]["TokenAuth"][0],
        about=describe_text(operation.get("description", "")),
        parameters=tuple(parameters),
        body=tuple(list_fields(body, is_sent=True)),
        most_in_a_list=most,
        answers=tuple(_read_answer(status, responses[status]) for status in good),
        problems=tuple(int(status) for status in statuses if status not in good),
        example=write_curl(
            method=method,
            path=path,
            query=_list_needed(operation),
            body={name: example[name] for name in body.get("properties", ()) if name in example},
            is_stream=_STREAM in responses[good[0]].get("content", {}),
        ),
    )


def _find_body(document: Json, operation: Json) -> tuple[Json, int]:
    """The object that is sent, and how many of them may be at once in a list."""
    sent = list(_list_sent(operation))
    most = max((choice.get("maxItems", 1) for choice in _body_schema(operation).get("oneOf", ())), default=1)
    return document["components"]["schemas"][sent[0].name] if sent else {}, most


def _list_sent(operation: Json) -> list[Kind]:
    return list(list_kinds(_body_schema(operation))) if "requestBody" in operation else []


def _body_schema(operation: Json) -> Json:
    found: Json = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _list_needed(operation: Json) -> list[tuple[str, str]]:
    """The parameters of an address that it is nothing without."""
    parameters = operation.get("parameters", ())
    return [(one["name"], one["schema"]["examples"][0]) for one in parameters if one["in"] == "query" and one.get("required")]


def _read_answer(status: str, response: Json) -> Answer:
    phrase = HTTPStatus(int(status)).phrase
    contents = [
        (media, tuple(kind for kind in list_kinds(content["schema"]) if kind.name))
        for media, content in response.get("content", {}).items()
    ]
    return Answer(
        status=int(status),
        phrase=phrase,
        about=describe_text(response["description"].removeprefix(phrase).removeprefix(". ")),
        contents=tuple(contents),
        headers=tuple((name, header["description"]) for name, header in response.get("headers", {}).items()),
    )


def _read_type(name: str, schema: Json) -> Type:
    about = describe_text(schema.get("description", ""))
    return Type(name, about, tuple(list_fields(schema, is_sent=False)), tuple(map(str, schema.get("enum", ()))))
