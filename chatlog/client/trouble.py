"""Says in the log that a site does not take what waits for it: at once, now and then while it lasts, and when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from chatlog.errors import StorageDenied

logger = logging.getLogger(__name__)
REMIND_SECONDS = 600.0


class TroubleLog:
    """One site's trouble; another kind of error is news, the same one is not."""

    def __init__(self, site: str, queue: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._site = site
        self._queue = queue
        self._clock = clock
        self._kind: type[Exception] | None = None
        self._told_at = 0.0

    def note(self, error: Exception, *, waiting: int | None) -> None:
        """Something did not go out; `waiting` is how much has not by now, `None` if nobody knows."""
        now = self._clock()
        if type(error) is self._kind and now - self._told_at < REMIND_SECONDS:
            return
        self._kind, self._told_at = type(error), now
        level = logging.ERROR if isinstance(error, StorageDenied) else logging.WARNING
        logger.log(
            level,
            "%s %s remarks and changes wait in %s, and are sent when it works again; nothing is lost.%s",
            error,
            "An unknown number of" if waiting is None else waiting,
            self._queue,
            " A new token sends them: open the store with it." if level == logging.ERROR else "",
        )

    def end(self) -> None:
        """Everything has gone out."""
        if self._kind is not None:
            logger.info("%s has got everything that waited for it.", self._site)
        self._kind = None
