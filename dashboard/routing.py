"""Where each socket lives. All of them pass the origin and login checks of `dashboard.sockets.gate`."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from dashboard import consumers

# Channels routes ASGI applications with Django's own path(), which is typed for views.
websocket_urlpatterns: list[Any] = [
    path("ws/sessions/", consumers.SessionListConsumer.as_asgi(), name="live-session-list"),  # type: ignore[arg-type]
    path("ws/sessions/<str:session_id>/", consumers.SessionConsumer.as_asgi(), name="live-session"),  # type: ignore[arg-type]
    path("ws/live/", consumers.WallConsumer.as_asgi(), name="live-wall"),  # type: ignore[arg-type]
    re_path(r"", consumers.UnknownSocket.as_asgi(), name="live-unknown"),  # type: ignore[arg-type]
]
