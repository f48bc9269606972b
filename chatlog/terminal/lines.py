"""Lines as they come in on a pipe, a terminal or from a file, each the moment it is there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# A message as large as a store keeps, with every character escaped, fits on a line of JSON.
MAX_LINE_BYTES = 4 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """Attributes:
    number: from 1 on.
    data: without its end; `None` for a line that was longer than `MAX_LINE_BYTES` and was not kept.
    """

    number: int
    data: bytes | None


class LineReader:
    """Reads from a file descriptor without ever waiting in the event loop, and keeps at most one unfinished line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._is_too_long = False
        self._number = 0
        self.is_over = False

    async def read(self) -> tuple[list[Line], bytes]:
        """Wait for more; the lines that are whole by now, and the bytes as they came. At the end, what is left is a line."""
        chunk = await self._read_chunk()
        *whole, rest = (self._rest + chunk).split(b"\n") if chunk else (self._rest, b"")
        if not chunk:
            self.is_over = True
            return ([self._line(whole[0])] if whole[0] or self._is_too_long else []), b""
        lines = [self._line(data) for data in whole]
        self._rest = rest
        if len(rest) > MAX_LINE_BYTES:
            self._rest, self._is_too_long = b"", True
        return lines, chunk

    def _line(self, data: bytes) -> Line:
        self._number += 1
        was_too_long, self._is_too_long = self._is_too_long, False
        return Line(self._number, None if was_too_long or len(data) > MAX_LINE_BYTES else data.removesuffix(b"\r"))

    async def _read_chunk(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        except PermissionError:  # a plain file, which always has something to read
            return os.read(self._descriptor, _CHUNK)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return os.read(self._descriptor, _CHUNK)


class TypedLineReader(LineReader):
    """Reads what people type on a terminal. Ctrl-C throws away what they typed, even a line that was there a moment ago."""

    async def _read_chunk(self) -> bytes:
        while True:
            try:
                chunk = await super()._read_chunk()
            except BlockingIOError:  # thrown away since there was something to read
                continue
            await asyncio.sleep(0)  # after a Ctrl-C this raises: what was read came later
            return chunk


@contextmanager
def typed_lines(terminal: int) -> Iterator[TypedLineReader]:
    """A reader of what is typed on that terminal."""
    own = _open_anew(terminal)
    try:
        yield TypedLineReader(own)
    finally:
        os.close(own)


def _open_anew(terminal: int) -> int:
    """A descriptor of our own that never waits; to make the given one so would change it for the shell as well."""
    try:
        return os.open(os.ttyname(terminal), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # another user's terminal, after `su`: a Ctrl-C right behind a line may then be heard with the next one
        return os.dup(terminal)
