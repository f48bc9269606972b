"""A wire between browser and site that can be cut: a TCP relay on loopback whose own port never changes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any


class Wire:
    """Relays to the port it leads to. Runs in a thread with an event loop of its own."""

    def __init__(self) -> None:
        self._target: int | None = None
        self._is_down = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._do(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def lead_to(self, port: int) -> None:
        self._target = port

    def cut(self) -> None:
        """Break every connection that is open now, without a goodbye."""
        self._do(self._cut())

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Break every connection, and let no new one through inside the block."""
        self._is_down = True
        self.cut()
        try:
            yield
        finally:
            self._is_down = False

    def close(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _cut(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._server.sockets[0])  # nothing more is accepted
        await asyncio.sleep(0.05)  # what was accepted just now is a relay by then
        self._server.close()  # only now: a server that is closed forgets whatever it has accepted and not yet handed on
        while relays := asyncio.all_tasks() - {asyncio.current_task()}:
            await self._cut()  # one that was just connecting is cut in the next round
            await asyncio.wait(relays, timeout=0.1)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_down:
            writer.transport.abort()
            return
        try:
            with self._open(writer):
                there, back = await asyncio.open_connection("127.0.0.1", self._target)
                with self._open(back):
                    await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except OSError:  # the site is down
            writer.transport.abort()

    @contextlib.contextmanager
    def _open(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, until the writer's end is closed: it stays open, and can be cut, while its reader takes its time."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort() if reader.exception() else writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
