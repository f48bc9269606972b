"""Errors that have a page of their own: a store that is away, a session that is not there, input that cannot be."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from chatlog.domain.counters import counters
from chatlog.errors import (
    ConfigurationError,
    InvalidInput,
    SessionDeleted,
    SessionNotFound,
    StorageError,
    StorageUnavailable,
    WatchedOnly,
)
from dashboard.watching import is_only_watching

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5


class ErrorPages(MiddlewareMixin):
    """Turns chatlog's own errors into pages. Their texts name the thing and what to do, and hold no secret."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        status = _status_of(exception)
        if status is None:
            return None
        if isinstance(exception, StorageError) and status == 503:
            counters.note_store_error(exception)
        if status == 503:
            logger.error("%s was answered with 503: %s", request.path, exception)
        response = render(request, f"{_page_of(exception, status)}.html", _context(exception), status=status)
        if isinstance(exception, StorageUnavailable):
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _status_of(exception: Exception) -> int | None:
    match exception:
        case InvalidInput():
            return 400
        case SessionNotFound():
            return 404
        case WatchedOnly():
            return 403
        case StorageError() | ConfigurationError():
            return 503
    return None


def _page_of(exception: Exception, status: int) -> str:
    match exception:
        case SessionDeleted() if not is_only_watching():
            return "deleted"
        case WatchedOnly():
            return "watched"
    return str(status)


def _context(exception: Exception) -> dict[str, Any]:
    context: dict[str, Any] = {"message": str(exception)}
    if isinstance(exception, SessionDeleted):
        context["session_id"] = exception.session_id
    return context
