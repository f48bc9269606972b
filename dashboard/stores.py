"""The one place where the site reaches the store: opened on first use, one for the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chatlog.storage.base import SessionStore
from chatlog.storage.opening import open_store

_lock = threading.Lock()
_store: SessionStore | None = None


def get_store() -> SessionStore:
    """The store that the environment names. Raises `ConfigurationError`."""
    global _store  # noqa: PLW0603  # this module exists to hold it
    with _lock:
        if _store is None:
            _store = open_store()
        return _store


def find_store() -> SessionStore | None:
    """The store, if anything has used it so far."""
    return _store


async def close_store() -> None:
    """Finish what is in flight and let go of the store; the next `get_store` opens another."""
    global _store  # this module exists to hold it
    with _lock:
        store, _store = _store, None
    if store is not None:
        await store.aclose()


@contextmanager
def use_store(store: SessionStore) -> Iterator[SessionStore]:
    """For tests: the site uses `store` inside the block, and does not close it."""
    global _store  # noqa: PLW0603  # this module exists to hold it
    before, _store = _store, store
    try:
        yield store
    finally:
        _store = before
