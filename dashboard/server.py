"""daphne, with an end that loses nothing: finish what is being answered, send the sockets away politely, close the store."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from daphne.server import Server  # isort: skip  # first of all: it installs Twisted's asyncio reactor
from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import HTTPFactory
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer
from twisted.internet import reactor as typed_reactor

from dashboard import lifecycle
from dashboard.bounded_http import BoundedHTTPFactory, BoundedRequest
from dashboard.bounded_sockets import BoundedSocketFactory
from dashboard.prompt_transport import PromptTransport

logger = logging.getLogger(__name__)
reactor: Any = typed_reactor  # its type says that its methods take no self
# Together below the ten seconds after which a supervisor kills.
FINISH_REQUESTS_SECONDS = 7.0
CLOSE_SOCKETS_SECONDS = 0.5
CLOSE_STORE_SECONDS = 1.5
EXIT_SECONDS = 9.5
# Acknowledgements are some twenty bytes. Larger than the consumers' own limit, so that it is they who say what is wrong.
MAX_SOCKET_MESSAGE_BYTES = 64 * 1024


class DrainingServer(Server):  # type: ignore[misc]  # daphne carries no types
    """Listens on one address until SIGTERM or SIGINT.

    Attributes:
        listen_failure: why the address could not be taken, if so.
    """

    def __init__(
        self, application: Any, *, host: str, port: int, when_listening: Callable[[str], None], **options: Any
    ) -> None:
        super().__init__(
            application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            websocket_timeout=-1,  # a page may stay open for days; the ping tells whether it is still there
            websocket_max_message_size=MAX_SOCKET_MESSAGE_BYTES,
            websocket_max_frame_size=MAX_SOCKET_MESSAGE_BYTES,
            server_name="",
            **options,
        )
        self.listen_failure: str | None = None
        self._ports: list[Any] = []
        self._when_listening = when_listening

    # daphne's run() makes the factories itself and asks nobody; this is the one place to put ours.
    @property
    def http_factory(self) -> HTTPFactory:
        return self._http_factory

    @http_factory.setter
    def http_factory(self, _: HTTPFactory) -> None:
        self._http_factory = BoundedHTTPFactory(self)

    @property
    def ws_factory(self) -> WebSocketFactory:
        return self._ws_factory

    @ws_factory.setter
    def ws_factory(self, _: WebSocketFactory) -> None:
        self._ws_factory = BoundedSocketFactory(self, server=self.server_name)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """daphne's way to the client, which lets an application write as fast as it likes."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, BoundedRequest):
            await protocol.wait_for_room()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        port.transport = PromptTransport
        self._ports.append(port)
        address = port.getHost()
        host = f"[{address.host}]" if ":" in address.host else address.host
        # Told once the reactor runs and heeds signals: whoever stops the site as soon as it is there is not met by a traceback.
        reactor.callWhenRunning(self._when_listening, f"http://{host}:{address.port}/")
        reactor.callLater(0, self._start_up)  # not before the event loop runs, too

    def _start_up(self) -> None:
        self._starting = asyncio.ensure_future(lifecycle.start_up())

    def listen_error(self, failure: Any) -> None:
        self.listen_failure = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> defer.Deferred[None]:
        """daphne's hook before the reactor stops; its own version cancels every request at once."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        _exit_anyway_after(EXIT_SECONDS)
        for port in self._ports:
            port.stopListening()
        await lifecycle.start_draining()
        await self._finish(self._running(BoundedRequest), at_most=FINISH_REQUESTS_SECONDS)
        await self._finish(self._running(object), at_most=CLOSE_SOCKETS_SECONDS)
        try:
            async with asyncio.timeout(CLOSE_STORE_SECONDS):
                await lifecycle.shut_down()
        except TimeoutError:
            logger.warning("The store did not close in time. What was acknowledged is stored.")

    def _running(self, protocol_type: type) -> set[asyncio.Task[None]]:
        """The applications that are still answering, of connections of that kind."""
        running = {
            details.get("application_instance")
            for protocol, details in self.connections.items()
            if isinstance(protocol, protocol_type)
        }
        return {task for task in running if task is not None and not task.done()}

    async def _finish(self, tasks: set[asyncio.Task[None]], *, at_most: float) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=at_most)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d requests or sockets did not finish in time and were cut off.", len(late))
            await asyncio.wait(late, timeout=0.2)


def _exit_anyway_after(seconds: float) -> None:
    """A view that hangs in a thread would keep the process alive after everything else has ended."""

    def leave() -> None:
        logger.error("Something still hangs %.1f s after the request to stop; leaving it behind.", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
