"""The OpenAPI document: what ninja knows from the types, and what else can be answered."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from ninja.schema import NinjaGenerateJsonSchema, Schema

from dashboard.api.schemas import ProblemOut, StreamEvent
from dashboard.export_formats import FORMATS
from dashboard.programs.access import Scope
from dashboard.programs.problems import CONTENT_TYPE

_ANYWHERE = (400, 401, 403, 404, 405, 413, 414, 422, 429, 500, 503)
_WITH_BODY = (408, 409, 415)
_WHEN = {
    400: "The body is not JSON, or the request is not HTTP.",
    401: "No token, or one that is unknown, revoked or over.",
    403: "The token lacks the scope, or the site only watches what another program keeps.",
    404: "There is no such session, or it was deleted.",
    405: "There is no such method here.",
    408: "The body did not come in time.",
    409: "The id is used already, for something else.",
    413: "More than the server takes, or than a store can keep.",
    414: "The address is longer than 16 kB.",
    415: "Not JSON, or compressed.",
    422: "A field or parameter is wrong; `errors` names it, its value and the limit.",
    429: "The token asks too often; `Retry-After` says when to go on.",
    500: "A fault of the server's. Sending the same again is safe.",
    503: "The store does not answer; `Retry-After` says when to try again. Sending the same again is safe.",
}
_ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Send it as If-None-Match to be told whether anything changed."}}
_TEXT = {"type": "string"}
# In OpenAPI before 3.2, the schema of a stream is that of each of its events.
_OTHER_CONTENT = {
    "follow_session": {"text/event-stream": {"$ref": "#/components/schemas/StreamEvent"}},
    "export_session": dict.fromkeys(sorted({chosen.content_type.partition(";")[0] for chosen in FORMATS.values()}), _TEXT),
}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it can be read."}}


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    components = document["components"]
    for name, kind in (("Problem", ProblemOut), ("StreamEvent", StreamEvent)):
        components["schemas"] |= _schemas_of(kind, name)
    components["responses"] = {f"Problem{status}": _problem(status) for status in _WHEN}
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _complete(operation, method=method)
    components["schemas"] = _list_referenced(document)
    return document


def _schemas_of(kind: type[Schema], name: str) -> dict[str, Any]:
    """Of a type that ninja does not see, and of what it is made of."""
    schema = kind.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization", schema_generator=NinjaGenerateJsonSchema
    )
    return {**schema.pop("$defs", {}), name: schema}


def _list_referenced(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas that somebody needs: ninja also tells those whose fields it has made into parameters."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    waiting = [document["paths"], document["components"]["responses"]]
    while waiting:
        names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop()))) - found
        found |= names
        waiting += [schemas[name] for name in names]
    return {name: schema for name, schema in schemas.items() if name in found}


def _complete(operation: dict[str, Any], *, method: str) -> None:
    operation["security"] = [{name: [Scope.READ if method == "get" else Scope.WRITE] for name in operation["security"][0]}]
    responses = operation["responses"] = {str(status): value for status, value in operation["responses"].items()}
    statuses = _ANYWHERE + (_WITH_BODY if "requestBody" in operation else ())
    responses |= {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}
    if operation["operationId"] in _OTHER_CONTENT:
        responses["200"]["content"] = {
            kind: {"schema": schema} for kind, schema in _OTHER_CONTENT[operation["operationId"]].items()
        }
    elif method == "get":
        responses["200"]["headers"] = _ETAG
        responses["304"] = {"description": "The same as before.", "headers": _ETAG}
    if operation["operationId"] == "create_session":
        responses["201"]["headers"] = _LOCATION


def _problem(status: int) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": f"{HTTPStatus(status).phrase}. {_WHEN[status]}", "content": content}
