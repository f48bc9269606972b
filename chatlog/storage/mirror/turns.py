"""Whose turn it is: of all processes that have a mirror's file open, one follows the container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatlog.storage.file_locks import try_lock


@contextmanager
def take_turn(path: Path) -> Iterator[bool]:
    """Whether this process has the turn, as long as the block lasts; the system ends it with the process, however that ends.

    It is a lock on a file beside the mirror's; the file itself stays.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)
