"""The API, put together: its routes, what happens with errors, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.operation import Operation

from dashboard.api import events, exports, messages, searching, sessions
from dashboard.api.answers import answer_read
from dashboard.api.filters import check_parameters
from dashboard.api.openapi import complete_document
from dashboard.api.parsing import StrictParser, find_problem
from dashboard.programs.access import READ
from dashboard.programs.problems import describe

NAMESPACE = "api"
_ABOUT = """Discussions of AI agents: written while they go on, read live and afterwards.

Every call needs a token, `Authorization: Bearer chatlog_…`: made in the administration, or by `manage.py create_token`. Errors
are `application/problem+json` and name the field, its value and the limit."""


class Api(NinjaAPI):
    def validation_error_from_error_contexts(self, error_contexts: list[ValidationErrorContext[Any]]) -> ValidationError:
        """Ninja's own without what was sent, which a problem has to name."""
        error = super().validation_error_from_error_contexts(error_contexts)
        sent = [one for context in error_contexts for one in context.pydantic_validation_error.errors(include_url=False)]
        for described, original in zip(error.errors, sent, strict=True):
            if original["type"] != "missing":
                described["input"] = original["input"]
        return error

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The view's name: what generated clients call it."""
        return operation.view_func.__name__

    def document(self) -> dict[str, Any]:
        return complete_document(self.get_openapi_schema(path_prefix=settings.API_PREFIX))


api = Api(
    title="chatlog",
    version="1.0.0",
    description=_ABOUT,
    openapi_url=None,  # ours wants a token, as everything here does
    docs_url=None,  # ninja's page is made of inline scripts, which the policy forbids
    urls_namespace=NAMESPACE,
    parser=StrictParser(),
)
for _part in (sessions, messages, events, exports, searching):
    api.add_router("", _part.router)


@api.exception_handler(Exception)
def _answer_error(request: HttpRequest, error: Any) -> HttpResponse:
    return describe(find_problem(error)).response()


for _known in tuple(api._exception_handlers):  # noqa: SLF001  # ninja's own handlers for its own errors answer in another form
    api.add_exception_handler(_known, _answer_error)


@api.get("/openapi.json", auth=READ, include_in_schema=False)
async def openapi(request: HttpRequest) -> HttpResponseBase:
    check_parameters(request)
    return answer_read(request, api.document())


def list_urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """For `urls.py`. Tokens take the place of logins here, and nothing is believed because a cookie came along."""
    patterns, app, namespace = api.urls
    # Ninja adds an empty page at the root of the API, for its own use of names.
    routes = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for route in routes:
        login_not_required(route.callback)
    return list(routes), app, namespace
