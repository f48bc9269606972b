"""daphne's sockets with a limit on what comes in, and none on what goes out. autobahn has one number for both."""

from __future__ import annotations

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol


class BoundedSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne carries no types
    maxMessagePayloadSize: int  # noqa: N815  # autobahn's name

    def makeConnection(self, transport: Any) -> None:  # noqa: N802  # Twisted's name
        super().makeConnection(transport)
        transport.is_prompt = True

    def sendMessage(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802  # autobahn's name
        # A remark may be as large as a stored item. Sending is one synchronous call: nothing comes in meanwhile.
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **kwargs)
        finally:
            self.maxMessagePayloadSize = limit

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:  # noqa: FBT001, FBT002, N802  # autobahn's
        # autobahn writes a line for its log about every frame, in colours and whether anybody reads it or not.
        if sync or chopsize or self.send_queue:
            super().sendData(data, sync, chopsize)
        else:
            self.transport.write(data)


class BoundedSocketFactory(WebSocketFactory):  # type: ignore[misc]  # daphne carries no types
    protocol = BoundedSocket
