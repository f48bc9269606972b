"""How the site starts and goes down: sockets first, then the feeds behind them, then the store."""

from __future__ import annotations

import gc

from django.utils.translation import gettext_lazy as _

from dashboard import stores, watching
from dashboard.api import streams
from dashboard.feeds import hub
from dashboard.sockets import codes, registry

# So many new objects are some two megabytes.
GARBAGE_OBJECTS = 20_000
_draining = False


def is_draining() -> bool:
    return _draining


async def start_up() -> None:
    """Begin what must not wait for the first request."""
    # What is loaded by now stays; to look through it for garbage again and again held up everybody for 50 ms. And a list of a
    # thousand messages is ten thousand objects, none of which is garbage before it is answered.
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
    await watching.begin_watching()


async def start_draining() -> None:
    """Say no to health checks from now on, and ask every browser to come back in a moment."""
    global _draining  # noqa: PLW0603  # a process goes down once
    _draining = True
    streams.current.get().close_all()
    await registry.current.get().close_all(codes.GOING_DOWN, _("The server stops; the page comes back by itself."))


async def shut_down() -> None:
    """Close what is open, after requests in flight have been answered."""
    await start_draining()
    await hub.current.get().close()
    await stores.close_store()
