"""Lines that people type, on a terminal where Ctrl-C throws away what they typed."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chatlog.terminal.lines import Line, LineReader, typed_lines

PATIENCE = 5.0
READ = os.read


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Where keys are pressed, and where a program reads them."""
    keys, screen = pty.openpty()
    try:
        yield keys, screen
    finally:
        os.close(keys)
        os.close(screen)


@contextmanager
def rescued(keys: int) -> Iterator[None]:
    """A reader that waits gets a line in the end, so that the test fails and does not hang."""
    rescue = threading.Timer(PATIENCE, os.write, (keys, b"too late\n"))
    rescue.start()
    try:
        yield
    finally:
        rescue.cancel()
        rescue.join()


def when_readable(screen: int, do: Callable[[], None]) -> None:
    """Do something in the very moment in which a reader is told that there is a line."""
    loop, own = asyncio.get_running_loop(), os.dup(screen)

    def once() -> None:
        loop.remove_reader(own)
        os.close(own)
        do()

    loop.add_reader(own, once)


async def test_a_line_that_is_thrown_away_before_it_is_read_is_not_waited_for(terminal: tuple[int, int]) -> None:
    keys, screen = terminal
    came = []

    def throw_away() -> None:
        termios.tcflush(screen, termios.TCIFLUSH)
        asyncio.get_running_loop().call_soon(came.append, "the event loop's turn")

    with typed_lines(screen) as reader, rescued(keys):
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)  # now it waits for a line
        when_readable(screen, throw_away)
        os.write(keys, b"one\n")
        while not came:  # noqa: ASYNC110  # it is the loop itself that is looked at
            await asyncio.sleep(0)
        os.write(keys, b"two\n")
        assert await reading == ([Line(1, b"two")], b"two\n")


async def test_what_was_read_behind_a_ctrl_c_is_not_taken(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    keys, screen = terminal
    taken = []

    async def take(reader: LineReader) -> None:
        taken.append(await reader.read())

    def read(descriptor: int, size: int) -> bytes:
        taking.cancel()  # as asyncio does on Ctrl-C, while the program is about to read
        return READ(descriptor, size)

    with typed_lines(screen) as reader:
        monkeypatch.setattr(os, "read", read)
        taking = asyncio.create_task(take(reader))
        os.write(keys, b"too late\n")
        await asyncio.wait([taking])
    assert (taken, taking.cancelled()) == ([], True)


async def test_the_terminal_waits_for_whoever_else_reads_it(terminal: tuple[int, int]) -> None:
    with typed_lines(terminal[1]):
        assert os.get_blocking(terminal[1])


async def test_a_terminal_that_may_not_be_opened_anew_is_read_as_it_is(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> str:
        raise PermissionError

    monkeypatch.setattr(os, "ttyname", refuse)
    os.write(terminal[0], b"one\n")
    with typed_lines(terminal[1]) as reader:
        assert await reader.read() == ([Line(1, b"one")], b"one\n")
    assert os.isatty(terminal[1])
