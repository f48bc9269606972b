"""A connection that is opened when it is needed, kept, and let go of before the process is forked.

SQLite notes in the memory of the process which locks it holds on a file. A child inherits the notes without the locks, and
believes them of each connection to that file, as long as one from before the fork is open. It waits for a lock that nobody has,
or commits to a write-ahead log that its parent, which sees no other user, has thrown away. So a fork finds nothing open.
Source: https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

import apsw

logger = logging.getLogger(__name__)


class KeptConnection:
    """One connection, of any thread; one piece of work at a time.

    Args:
        open_: opens it. It is called again after the connection was closed.
    """

    def __init__(self, open_: Callable[[], apsw.Connection]) -> None:
        self._open = open_
        self._guard = threading.Lock()
        self._connection: apsw.Connection | None = None
        with _forking:
            _kept.add(self)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None

    @contextmanager
    def use(self) -> Iterator[apsw.Connection]:
        """The connection, for a piece of work that leaves no transaction open. A fork waits for its end."""
        with self._guard:
            if self._connection is None:
                self._connection = self._open()
            yield self._connection

    def close(self) -> None:
        """Let go of the file; what was not committed is rolled back."""
        with self._guard:
            self._close()

    def hold_closed(self) -> None:
        """Let go of the file, and let nobody open it before `release`."""
        self._guard.acquire()
        self._close()

    def release(self) -> None:
        """The end of `hold_closed`."""
        self._guard.release()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except apsw.Error:  # the disk that failed a commit may fail the closing checkpoint too
                logger.warning("The database %s could not be closed cleanly.", connection.filename, exc_info=True)


# All there are; while the process is being forked, none is added. A piece of work makes no connection of its own.
_kept: WeakSet[KeptConnection] = WeakSet()
_forking = threading.Lock()
_held: list[KeptConnection] = []


def _before_fork() -> None:
    _forking.acquire()
    for kept in list(_kept):
        kept.hold_closed()
        _held.append(kept)


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
