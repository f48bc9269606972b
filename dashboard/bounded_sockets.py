"""daphne's sockets with a limit on what comes in, and none on what goes out. autobahn has one number for both."""

from __future__ import annotations

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol


class BoundedSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne carries no types
    maxMessagePayloadSize: int  # noqa: N815  # autobahn's name

    def sendMessage(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802  # autobahn's name
        # A remark may be as large as a stored item. Sending is one synchronous call: nothing comes in meanwhile.
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **kwargs)
        finally:
            self.maxMessagePayloadSize = limit


class BoundedSocketFactory(WebSocketFactory):  # type: ignore[misc]  # daphne carries no types
    protocol = BoundedSocket
