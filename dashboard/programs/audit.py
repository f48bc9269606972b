"""One line in the log for whatever a program changed, and for whoever was refused: which token, what, from where."""

from __future__ import annotations

import logging
import time

from django.utils.encoding import escape_uri_path

from dashboard.programs.access import Scope, scope_of
from dashboard.programs.tokens import Grant

logger = logging.getLogger(__name__)
_REFUSED = frozenset({401, 403, 429})
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


def note(*, status: int, method: str, path: str, grant: Grant | None, client: str) -> None:
    """Write the line, if there is anything to say of such a request and its answer."""
    is_refused = status in _REFUSED
    if not is_refused and scope_of(method) is Scope.READ:
        return
    if is_refused and not _refusals.count():
        return
    logger.log(
        logging.WARNING if is_refused else logging.INFO,
        "token %s: %s %s was answered with %d to %s",
        grant.token_id if grant else "unknown",
        method,
        escape_uri_path(path),  # decoded it could hold a line break
        status,
        client,
    )
