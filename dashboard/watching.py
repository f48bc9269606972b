"""What a site is like that only watches what another program keeps: it says so, and offers nothing that would change it."""

from __future__ import annotations

import logging
from typing import Any

from chatlog.errors import StorageError, WatchedOnly
from chatlog.storage.watching import Watched, WatchingStore
from dashboard.stores import find_store, get_store

logger = logging.getLogger(__name__)


def is_only_watching() -> bool:
    # Asked of its class: a store that only passes calls on has every name there is.
    return issubclass(type(find_store()), WatchingStore)


def refuse_if_only_watching() -> None:
    """Raise `WatchedOnly` before a person fills in a form that could not be saved."""
    if is_only_watching():
        raise WatchedOnly


async def find_watched() -> Watched | None:
    """What `partials/watched.html` tells, on a site that only watches."""
    store: Any = get_store()
    return await store.get_watched() if is_only_watching() else None


async def begin_watching() -> None:
    """Follow from the start on: what expires in the container before anybody opens a page would never be seen."""
    try:
        await find_watched()
    except StorageError as error:
        logger.error("The mirror cannot be kept; whoever opens a page is told so, too: %s", error)  # noqa: TRY400  # no fault of ours
