"""A gate in front of a real site: shut, nobody gets through and whoever was talking is cut off; open, it is the site."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.chatlog.client.served_site import ServedSite


class Gate:
    def __init__(self, site: ServedSite) -> None:
        self.site = site
        self.token = site.token
        self.address = ""
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        pair = {writer, there_writer}
        self._writers |= pair
        with suppress(OSError):
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        for one in pair:
            one.transport.abort()
        self._writers -= pair
        self._tasks.discard(task)  # type: ignore[arg-type]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
