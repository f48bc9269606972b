"""The site as an ASGI application, for `manage.py serve` (daphne) and for any other server (uvicorn, hypercorn)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup(set_prefix=False)  # what follows needs its apps

from dashboard import lifecycle  # noqa: E402
from dashboard.doors import API, OTLP, find_door  # noqa: E402
from dashboard.one_thread import OneThreadHandler  # noqa: E402
from dashboard.otlp.handler import OtlpHandler  # noqa: E402
from dashboard.programs.handler import ProgramHandler  # noqa: E402
from dashboard.routing import websocket_urlpatterns  # noqa: E402
from dashboard.sockets.gate import Gate  # noqa: E402

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


async def _lifespan(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # ASGI's signature
    """Servers other than daphne say when they start and stop; for daphne that is in `dashboard.server`."""
    await receive()
    await lifecycle.start_up()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await lifecycle.shut_down()
    await send({"type": "lifespan.shutdown.complete"})


_for_people = OneThreadHandler()
_for_programs = {API: ProgramHandler(), OTLP: OtlpHandler()}


async def _http(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    door = find_door(scope["path"])
    handler = _for_people if door is None else _for_programs[door]
    await handler(scope, receive, send)


application = ProtocolTypeRouter(
    {"http": _http, "websocket": Gate(URLRouter(websocket_urlpatterns)), "lifespan": _lifespan},
)
