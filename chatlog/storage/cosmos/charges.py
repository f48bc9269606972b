"""Taking down what the service charges: one hook below the SDK sees each answer, those to failed attempts included."""

from __future__ import annotations

from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.transport import AsyncHttpResponse, HttpRequest

from chatlog.domain.charges import note_charge

_CHARGE = "x-ms-request-charge"
# Which header tells what a POST means. Source: https://learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-request-headers
_KINDS_OF_POST = {
    "x-ms-cosmos-is-query-plan-request": "query plan",
    "x-ms-documentdb-isquery": "query",
    "x-ms-cosmos-is-batch-request": "batch",
}
_OPERATIONS = {"GET": "read", "PUT": "replace", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


def note_response(response: PipelineResponse[HttpRequest, AsyncHttpResponse]) -> None:
    """Count an answer with its charge; answers about the account and its parts have none."""
    request, headers = response.http_request, response.http_response.headers
    if _CHARGE in headers and "/docs" in request.url:
        note_charge(_operation(request), float(headers[_CHARGE]))


def _operation(request: HttpRequest) -> str:
    kinds = (kind for header, kind in _KINDS_OF_POST.items() if request.headers.get(header, "").lower() == "true")
    return next(kinds, _OPERATIONS.get(request.method, request.method.lower()))
