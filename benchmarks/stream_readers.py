"""Many programs that follow a session as server-sent events, in one process; told and telling as `live_viewers` is.

Usage: python -m benchmarks.stream_readers, then {"connect": {"port", "session_id", "token", "size"}} and what viewers are told.
"""

from __future__ import annotations

import asyncio
import re
import time

from benchmarks.live_viewers import Crowd, main

_ID = re.compile(rb"id: (\d+)\ndata: ")


class Reader(asyncio.Protocol):
    """Notes when each event arrived."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd, self._request = crowd, request
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        if not self._is_open:
            if b"\r\n\r\n" not in self._buffer:
                return
            if b" 200 " not in self._buffer[:20]:
                raise SystemExit(f"The server refused a reader: {self._buffer[:200]!r}")
            self._is_open = True
            self._crowd.note_open()
        whole, end, rest = self._buffer.rpartition(b"\n\n")
        if end:
            self._buffer = rest
            for digits in _ID.findall(whole):
                self._crowd.note(int(digits), now)


def make_reader(crowd: Crowd, *, port: int, session_id: str, token: str, **_: int) -> Reader:
    lines = [f"GET /api/v1/sessions/{session_id}/events HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {token}"]
    return Reader(crowd, "\r\n".join([*lines, "", ""]).encode())


if __name__ == "__main__":
    asyncio.run(main(make_reader))
