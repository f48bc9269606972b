"""Programs that send one request after the other over connections that stay open, with as little work for each as can be."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial

MOST_LATE_SECONDS = 10.0
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Caller(asyncio.Protocol):
    """Sends the next request when the answer to the one before has come as a whole."""

    def __init__(self, *, next_request: Callable[[], bytes], until: float, status: bytes) -> None:
        self._next_request, self._until, self._status = next_request, until, status
        self._buffer = b""
        self.answered = 0
        self.is_over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._next_request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not separator or found is None or len(body) < int(found[1]):
            return
        if head.split(b" ", 2)[1] != self._status:
            raise SystemExit(f"The server answered {self._buffer[:500]!r}")
        self._buffer = b""
        self.answered += 1
        if time.perf_counter() < self._until:
            self._transport.write(self._next_request())
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self.is_over.set_result(None)


async def count_answers(
    port: int, *, next_request: Callable[[], bytes], callers: int, seconds: float, status: bytes = b"200"
) -> float:
    """Answers a second to so many callers at once."""
    began = time.perf_counter()
    make = partial(Caller, next_request=next_request, until=began + seconds, status=status)
    connect = asyncio.get_running_loop().create_connection
    protocols: list[Caller] = [(await connect(make, "127.0.0.1", port))[1] for _ in range(callers)]
    async with asyncio.timeout(seconds + MOST_LATE_SECONDS):
        await asyncio.gather(*(protocol.is_over for protocol in protocols))
    return sum(protocol.answered for protocol in protocols) / (time.perf_counter() - began)
