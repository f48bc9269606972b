"""The double on a loopback port, in a thread of its own, so that it serves any event loop and any process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.cosmos.double.faults import Fault, Journal, Kind
from tests.cosmos.double.gateway import Gateway


class Double:
    """A running double: its address, and what tests ask of it."""

    def __init__(self, key: str) -> None:
        self.gateway = Gateway(key)
        self.endpoint = ""
        self.loop = asyncio.new_event_loop()
        self.is_ready = threading.Event()

    @property
    def journal(self) -> Journal:
        return self.gateway.journal

    def inject(self, operation: str, kind: Kind, **values: object) -> Fault:
        fault = Fault(operation, kind, **values)
        self.journal.faults.append(fault)
        return fault

    def release(self) -> None:
        """Let go of the requests that hang."""
        self.loop.call_soon_threadsafe(self.journal.hanging.set)

    def serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        self.stopping = asyncio.Event()
        runner = web.AppRunner(self.gateway.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.is_ready.set()
        await self.stopping.wait()
        self.journal.hanging.set()
        await runner.cleanup()


@contextmanager
def double_server(key: str) -> Iterator[Double]:
    double = Double(key)
    thread = threading.Thread(target=double.serve, name="cosmos-double", daemon=True)
    thread.start()
    double.is_ready.wait(10)
    try:
        yield double
    finally:
        double.loop.call_soon_threadsafe(double.stopping.set)
        thread.join(10)
