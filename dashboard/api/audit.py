"""One line in the log for whatever a program changed, and for whoever was refused: which token, what, from where."""

from __future__ import annotations

import logging
import time

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path

logger = logging.getLogger(__name__)
_REFUSED = frozenset({401, 403, 429})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Whoever is refused costs us nothing but this line.
MOST_REFUSALS_PER_SECOND = 10


class Refusals:
    """Lets so many lines through in a second, and says how many it kept back."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0

    def count(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            kept_back = self._count - MOST_REFUSALS_PER_SECOND
            if kept_back > 0:
                logger.warning("%d more requests were refused within a second.", kept_back)
            self._second, self._count = second, 0
        self._count += 1
        return self._count <= MOST_REFUSALS_PER_SECOND


_refusals = Refusals()


def note(request: HttpRequest, response: HttpResponseBase) -> None:
    is_refused = response.status_code in _REFUSED
    if not is_refused and request.method in _READING:
        return
    if is_refused and not _refusals.count():
        return
    grant = getattr(request, "auth", None)
    logger.log(
        logging.WARNING if is_refused else logging.INFO,
        "token %s: %s %s was answered with %d to %s",
        grant.token_id if grant else "unknown",
        request.method,
        escape_uri_path(request.path),  # decoded it could hold a line break
        response.status_code,
        request.META.get("REMOTE_ADDR", "somebody"),
    )
