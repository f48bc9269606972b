"""Being asked to end, by SIGTERM or SIGHUP: what was begun on the way to the store is finished, as on Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from chatlog.terminal.endings import HUNG_UP, TERMINATED, Ending

# A program that was asked to end and does nothing else for so long is in a write that nobody reads.
STUCK_SECONDS = 1.0
_STATUS: Mapping[int, int] = {signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Raise `SystemExit` wherever the program is, for where there is nothing to lose: before the work, and after it."""
    heard = [number for number in _STATUS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup has one ignored
    before = {number: signal.signal(number, _exit) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ending_by_cancelling() -> Iterator[None]:
    """Within `ending_at_once`, cancel this task instead, which it only hears where it waits; raise `Ending` when it has.

    An exception from a signal's handler may come between any two steps, of a store's tasks too: what is read would be lost.
    """
    heard = [number for number in _STATUS if signal.getsignal(number) is _exit]
    asked = _Asked()
    before = {number: signal.signal(number, asked.end) for number in heard}
    alarm = signal.signal(signal.SIGALRM, asked.look) if heard else None
    try:
        yield
    except asyncio.CancelledError:
        if asked.status is None:
            raise
        raise Ending("", status=asked.status) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if heard:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarm)


class _Asked:
    """Cancels the current task, and from then on watches whether the event loop still turns."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._loop = task, asyncio.get_running_loop()
        self._has_turned = True
        self.status: int | None = None

    def end(self, number: int, _: object) -> None:
        self.status = _STATUS[number]
        self._task.cancel()
        self._watch()

    def look(self, _: int, __: object) -> None:
        if not self._has_turned:
            sys.exit(self.status)  # an exception also gets a program out of a write
        self._watch()

    def _watch(self) -> None:
        self._has_turned = False
        self._loop.call_soon_threadsafe(self._turn)
        signal.setitimer(signal.ITIMER_REAL, STUCK_SECONDS)

    def _turn(self) -> None:
        self._has_turned = True


def _exit(number: int, _: object) -> NoReturn:
    sys.exit(_STATUS[number])
