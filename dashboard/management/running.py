"""How commands that read or write the store run and end, as Django wants to hear it; see `chatlog.terminal.endings`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.core.management.base import CommandError

from chatlog.storage.base import SessionStore
from chatlog.storage.opening import open_store
from chatlog.terminal import running
from chatlog.terminal.endings import READER_GONE, STOPPED, Ending

Result = TypeVar("Result")
_TEXTS = {
    STOPPED: "Stopped. The same command goes on where this ended.",
    READER_GONE: "Nobody reads the output any more.",
}


def run_with_store(work: Callable[[SessionStore], Awaitable[Result]]) -> Result:
    """Do the work with a store of its own. Raises `CommandError` for what keeps it from being done, and on Ctrl-C."""
    try:
        return running.run_with_store(work, open_=open_store)
    except Ending as ending:
        raise CommandError(_TEXTS.get(ending.status, ending.text), returncode=ending.status) from ending
