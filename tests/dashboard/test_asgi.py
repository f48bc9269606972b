from __future__ import annotations

from asgiref.testing import ApplicationCommunicator

from chatlog.storage.base import SessionStore
from dashboard import lifecycle, stores
from dashboard.sockets import codes, registry
from tests.dashboard.conftest import OpenSocket
from tests.dashboard.test_sockets import closing_code


async def test_a_server_with_lifespan_closes_sockets_feeds_and_the_store(
    open_socket: OpenSocket, store: SessionStore, monkeypatch: object
) -> None:
    from dashboard.asgi import application

    closed: list[bool] = []

    async def close_store() -> None:
        closed.append(True)

    monkeypatch.setattr(stores, "close_store", close_store)
    monkeypatch.setattr(lifecycle, "_draining", False)
    server = ApplicationCommunicator(application, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert (await server.receive_output())["type"] == "lifespan.startup.complete"
    socket = open_socket("/ws/sessions/")
    await socket.connect()
    await server.send_input({"type": "lifespan.shutdown"})
    assert await closing_code(socket) == codes.GOING_DOWN
    assert (await server.receive_output())["type"] == "lifespan.shutdown.complete"
    assert closed == [True]
    late = open_socket("/ws/sessions/")
    await late.connect()
    assert await closing_code(late) == codes.GOING_DOWN
    assert registry.current.get().is_closing
