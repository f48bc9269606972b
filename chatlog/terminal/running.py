"""How commands run: with a store of their own, and with an end for whatever keeps them from being done."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from chatlog.domain.hidden import show_in_one_line
from chatlog.errors import ConfigurationError, IdempotencyConflict, InvalidInput, SessionExists, SessionNotFound, StorageError
from chatlog.storage.base import SessionSource
from chatlog.terminal.endings import DONE, HUNG_UP, IMPOSSIBLE, READER_GONE, STOPPED, TERMINATED, Ending
from chatlog.terminal.stopping import ending_at_once, ending_by_cancelling

Result = TypeVar("Result")
Store = TypeVar("Store", bound=SessionSource)
FORESEEN = (ConfigurationError, IdempotencyConflict, InvalidInput, SessionExists, SessionNotFound, StorageError)


def run_with_store(work: Callable[[Store], Awaitable[Result]], *, open_: Callable[[], Store]) -> Result:
    """Do the work with a store of its own. Raises `Ending` for what keeps it from being done, and when it is stopped."""
    try:
        return asyncio.run(_run(work, open_))
    except FORESEEN as error:
        raise Ending(str(error), status=IMPOSSIBLE) from error
    except BrokenPipeError:
        raise Ending("", status=READER_GONE) from None
    except KeyboardInterrupt:
        raise Ending("", status=STOPPED) from None


async def _run(work: Callable[[Store], Awaitable[Result]], open_: Callable[[], Store]) -> Result:
    with ending_by_cancelling():
        async with open_() as store:
            return await work(store)


def run_to_the_end(work: Callable[[], None]) -> int:
    """Do the work, end it on SIGTERM and SIGHUP as on Ctrl-C, say in a line what kept it from being done; return the status."""
    try:
        with ending_at_once():
            work()
    except Ending as ending:
        if ending.text:
            say(ending.text)
        status = ending.status
    except SystemExit as end:
        status = int(str(end.code))
    except KeyboardInterrupt:  # before the work, or after it
        status = STOPPED
    else:
        return DONE
    if status == STOPPED and sys.stderr.isatty():
        sys.stderr.write("\n")  # what follows does not belong behind ^C
    if status in {READER_GONE, STOPPED, TERMINATED, HUNG_UP} or not _is_written():
        _give_up_output()
    return status


def say(text: str) -> None:
    """Tell people something that is not what they asked for."""
    with suppress(OSError):  # nobody is there to hear it
        sys.stderr.write(f"chatlog: {show_in_one_line(text)}\n")


class SayingHandler(logging.Handler):
    """What the library logs, in one line each; a traceback says nothing to whoever ran a command."""

    _said = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, unless it is what was said last."""
        text, before = record.getMessage(), self._said
        self._said = text
        if text != before:
            say(text)


def _is_written() -> bool:
    try:
        sys.stdout.flush()
    except OSError:  # that is why the work ended, and has been said
        return False
    return True


def _give_up_output() -> None:
    """Write no more: at its end Python flushes what is left, and would wait for the reader, or stumble over it.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
