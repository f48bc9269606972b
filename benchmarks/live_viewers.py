"""Many viewers in one process: as little work per frame as a client can do, so that the server is what is measured.

Usage: python -m benchmarks.live_viewers, then one JSON command a line on standard input:
{"connect": {"port", "path", "cookies", "size"}}, {"wait": sequence}, {"report": true}
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

_SEQUENCE = re.compile(rb'data-sequence="(\d+)"')
_ACKNOWLEDGE_AT_LATEST = 64 * 1024  # and at the earliest after half of it, as static/js/live.js does


Make = Callable[..., asyncio.Protocol]


class Viewer(asyncio.Protocol):
    """A websocket client that notes when each message arrived. Frames from a server are never masked or fragmented here."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd, self._request = crowd, request
        self._buffer = b""
        self._is_open = False
        self._unacknowledged = 0
        self._acknowledge_at = _ACKNOWLEDGE_AT_LATEST * random.uniform(0.5, 1)  # noqa: S311  # spreads, guards nothing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        if not self._is_open:
            head, separator, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                self._buffer = head
                return
            if b" 101 " not in head[:20]:
                raise SystemExit(f"The server refused a viewer: {head[:200]!r}")
            self._is_open = True
            self._crowd.note_open()
        while (frame := self._next_frame()) is not None:
            self._read(frame, now)

    def _next_frame(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + length:
            return None
        frame, self._buffer = buffer[start : start + length], buffer[start + length :]
        return frame if buffer[0] & 15 == 1 else b""

    def _read(self, frame: bytes, now: float) -> None:
        sequences = [int(digits) for digits in _SEQUENCE.findall(frame)]
        for sequence in sequences:
            self._crowd.note(sequence, now)
        self._unacknowledged += len(frame)
        if sequences and self._unacknowledged >= self._acknowledge_at:
            self._unacknowledged = 0
            self._acknowledge(sequences[-1])

    def _acknowledge(self, sequence: int) -> None:
        text = json.dumps({"received": sequence}).encode()
        # A mask of zeros is a mask: clients must send one (RFC 6455, section 5.3).
        self._transport.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)


class Crowd:
    """Of one kind: `make` gives the protocol of the one with a number."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self.size = 0
        self._open = 0
        self.arrivals: dict[int, list[float]] = defaultdict(list)
        self._waiting_for: int | None = None

    async def connect(self, *, port: int, size: int, **where: Any) -> None:
        loop = asyncio.get_running_loop()
        self.size = size
        for number in range(size):
            await loop.create_connection(partial(self._make, self, port=port, number=number, **where), "127.0.0.1", port)

    def note_open(self) -> None:
        self._open += 1
        if self._open == self.size:
            say({"connected": self.size})

    def note(self, sequence: int, now: float) -> None:
        arrived = self.arrivals[sequence]
        arrived.append(now)
        if sequence == self._waiting_for and len(arrived) == self.size:
            self._waiting_for = None
            say({"all_have": sequence})

    def wait_for(self, sequence: int) -> None:
        if len(self.arrivals[sequence]) == self.size:
            say({"all_have": sequence})
        else:
            self._waiting_for = sequence


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _handshake(port: int, path: str, cookie: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n"
    ).encode()


def make_viewer(crowd: Crowd, *, port: int, number: int, path: str, cookies: list[str]) -> Viewer:
    return Viewer(crowd, _handshake(port, path, cookies[number % len(cookies)] if cookies else ""))


async def main(make: Make) -> None:
    crowd = Crowd(make)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        match json.loads(line):
            case {"connect": where}:
                await crowd.connect(**where)
            case {"wait": sequence}:
                crowd.wait_for(sequence)
            case {"report": _}:
                say({"arrivals": crowd.arrivals})


if __name__ == "__main__":
    asyncio.run(main(make_viewer))
