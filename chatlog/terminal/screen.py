"""Where a command writes: what was asked for to the standard output, what is said about it to the standard error."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Final, TextIO

from chatlog.domain.hidden import show_in_one_line
from chatlog.terminal.endings import IMPOSSIBLE, Ending

# Longer lines are hard to read, however wide the terminal is.
MOST_CELLS = 100
_FEWEST_CELLS = 24

DIM: Final = "2"
BOLD: Final = "1"
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"
# The hues of `static/css/tokens.css`, of the 256 colours those that can be read on black and on white.
SPEAKERS: Final = tuple(f"38;5;{number}" for number in (68, 168, 30, 136, 104, 64, 166, 31, 133, 100, 98, 137))


def add_colour_arguments(parser: ArgumentParser) -> None:
    """`--no-color` and `--force-color`, as Django's commands have them."""
    parser.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR in the environment means the same")
    parser.add_argument("--force-color", action="store_true", help="colours also where the output is no terminal")


class Screen:
    """The standard output and error of this process.

    Attributes:
        is_terminal: somebody looks at the output; it is not a file or a pipe.
    """

    def __init__(self, *, no_color: bool = False, force_color: bool = False) -> None:
        self._out, self._err = sys.stdout, sys.stderr
        for stream in (self._out, self._err):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # rather a "?" than an end, where the terminal has not all of Unicode
        self.is_terminal = self._out.isatty()
        is_plain = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self._has_colour = force_color or (self.is_terminal and not is_plain)
        self._notes_have_colour = self._err.isatty() and not is_plain

    @property
    def width(self) -> int:
        """Cells for a line on the terminal as wide as it is now, at most `MOST_CELLS`."""
        return max(_FEWEST_CELLS, min(MOST_CELLS, _columns(self._out)))

    def paint(self, text: str, *styles: str) -> str:
        """Text that has been made harmless, in a style, where there are colours."""
        return _paint(text, styles) if self._has_colour else text

    def write(self, text: str) -> None:
        """Write, at the latest with the next `flush`. Raises `BrokenPipeError` if nobody reads any more, else `Ending`."""
        with _failing_in_words():
            self._out.write(text)

    def flush(self) -> None:
        """Let what was written be seen. Raises as `write` does."""
        with _failing_in_words():
            self._out.flush()

    def note(self, text: str, *styles: str) -> None:
        """Say something about the output, on a line of its own, after what was written so far."""
        self.flush()
        line = show_in_one_line(text)
        with suppress(OSError):  # nobody is there to hear it
            self._err.write((_paint(line, styles) if self._notes_have_colour else line) + "\n")
            self._err.flush()

    @contextmanager
    def watched_reader(self) -> Iterator[None]:
        """Raise `BrokenPipeError` in the block once the program that reads a pipe has ended, also while nothing is written."""
        if not _is_pipe(self._out):
            yield
            return
        loop, task, left = asyncio.get_running_loop(), asyncio.current_task(), False
        assert task is not None

        def leave() -> None:
            nonlocal left
            left = True
            loop.remove_reader(self._out)
            task.cancel()

        # The end that is written to never has anything to read: it wakes us when the other end is closed.
        loop.add_reader(self._out, leave)
        try:
            yield
        except asyncio.CancelledError:
            if left and not task.uncancel():
                raise BrokenPipeError from None
            raise
        finally:
            loop.remove_reader(self._out)


@contextmanager
def _failing_in_words() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say
        raise Ending(f"The output cannot be written: {error.strerror}.", status=IMPOSSIBLE) from error


def _paint(text: str, styles: tuple[str, ...]) -> str:
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if styles and text else text


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # no terminal; ValueError: no file either
        return 80


def _is_pipe(stream: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
