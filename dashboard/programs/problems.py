"""What the API answers when it cannot do what was asked: RFC 9457 problems that name the field, its value and the limit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from ninja.errors import HttpError, ValidationError

from chatlog.errors import (
    ConfigurationError,
    IdempotencyConflict,
    InvalidInput,
    ItemTooLarge,
    SessionExists,
    SessionNotFound,
    StorageError,
    WatchedOnly,
)

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
MOST_SHOWN_CHARACTERS = 80
MOST_ERRORS = 20
_UNFORESEEN = "Something went wrong on the server. It was logged; sending the same again may work."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a request.

    Attributes:
        field: where: `content`, `[3].content` in a list, the name of a parameter.
        message: a sentence: the value, the limit and what to do.
        value: what was sent, shortened; `None` if it is not told.
        limit: what it may be, if that is one number or a list of words.
    """

    field: str
    message: str
    value: Any = None
    limit: Any = None

    def as_json(self) -> dict[str, Any]:
        given = {"value": self.value, "limit": self.limit}
        return {"field": self.field, "message": self.message, **{name: v for name, v in given.items() if v is not None}}


class Problem(Exception):
    """Raised anywhere in the API, and answered as it is."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> HttpResponse:
        body = describe_refusal(self.status, str(self))
        if self.errors:
            body["errors"] = [error.as_json() for error in self.errors[:MOST_ERRORS]]
        # What was sent may hold a lone surrogate, which has no UTF-8 form.
        text = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        headers = {"Cache-Control": "no-store", **self.headers}
        return HttpResponse(text, status=self.status, content_type=CONTENT_TYPE, headers=headers)


def describe_refusal(status: int, detail: str) -> dict[str, Any]:
    """The fields that every problem has."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def wrong_field(field: str, message: str, *, value: Any = None, limit: Any = None, status: int = 422) -> Problem:
    """One field is at fault."""
    return Problem(status, f"{field}: {message}", errors=[FieldError(field, message, _shorten(value), limit)])


def describe(error: BaseException) -> Problem:
    """The problem that an exception is; what nobody foresaw is logged, and answered without a word of it."""
    for kind, to_problem in _DESCRIPTIONS:
        if isinstance(error, kind):
            return to_problem(error)
    logger.error("An API request failed.", exc_info=error)
    return Problem(500, _UNFORESEEN)


def _describe_token_trouble(error: DatabaseError) -> Problem:
    logger.error("The database of tokens did not answer.", exc_info=error)
    return _unavailable("The token could not be checked: the site's own database does not answer.")


def _unavailable(text: str) -> Problem:
    logger.error("An API request was answered with 503: %s", text)
    return Problem(503, text, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _describe_input(error: InvalidInput, *, status: int = 422) -> Problem:
    message = str(error).removeprefix(f"{error.field}: ")
    return Problem(status, str(error), errors=[FieldError(error.field, message)])


def _describe_validation(error: ValidationError) -> Problem:
    errors = [_describe_one(found) for found in error.errors[:MOST_ERRORS]]
    more = len(error.errors) - len(errors)
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors[:3])
    return Problem(422, detail + (f"; and {len(errors) - 3 + more} more" if len(errors) > 3 else ""), errors=errors)


_LIMITS = ("max_length", "min_length", "le", "ge", "lt", "gt", "expected", "pattern")


def _describe_one(found: Mapping[str, Any]) -> FieldError:
    context = found.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if name in context), None)
    message = "is not known here. Take it out." if found["type"] == "extra_forbidden" else f"{found['msg']}."
    return FieldError(name_field(found["loc"][1:]), message, _shorten(found.get("input")), _as_json(limit))


def name_field(path: Sequence[Any]) -> str:
    """`("payload", "many", 3, "content")` is `[3].content`."""
    parts = [part for part in path if part not in _OURS]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".") or "body"


# Names that stand in a path of pydantic's without standing in what was sent.
_OURS = frozenset({"payload", "query", "one", "many"})


def _shorten(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return None  # an object or a list: what was sent may be large
    return value if len(value) <= MOST_SHOWN_CHARACTERS else value[: MOST_SHOWN_CHARACTERS - 1] + "…"


def _as_json(limit: Any) -> Any:
    return limit if limit is None or isinstance(limit, bool | int | float | str) else str(limit)


# The first that fits.
_DESCRIPTIONS: tuple[tuple[type[BaseException], Callable[[Any], Problem]], ...] = (
    (Problem, lambda error: error),
    (ValidationError, _describe_validation),
    (ItemTooLarge, lambda error: _describe_input(error, status=413)),
    (InvalidInput, _describe_input),
    (SessionNotFound, lambda error: wrong_field("session_id", str(error), value=error.session_id, status=404)),
    (SessionExists, lambda error: wrong_field("session_id", str(error), value=error.session_id, status=409)),
    (IdempotencyConflict, lambda error: wrong_field("message_id", str(error), value=error.message_id, status=409)),
    # Not 503, after which a program would send the same again for ever.
    (WatchedOnly, lambda error: Problem(403, str(error))),
    (StorageError, lambda error: _unavailable(str(error))),
    (ConfigurationError, lambda error: _unavailable(str(error))),
    (DatabaseError, _describe_token_trouble),
    (Http404, lambda _: Problem(404, "There is nothing at this address. See /api/v1/openapi.json.")),
    (RequestDataTooBig, lambda error: Problem(413, str(error))),
    (HttpError, lambda error: Problem(error.status_code, str(error))),
)
