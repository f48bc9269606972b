"""Where each socket lives. All of them pass the origin and login checks of `dashboard.sockets.gate`."""

from __future__ import annotations

from django.urls import path, re_path

from dashboard import consumers

websocket_urlpatterns = [
    path("ws/sessions/", consumers.SessionListConsumer.as_asgi(), name="live-session-list"),
    path("ws/sessions/<str:session_id>/", consumers.SessionConsumer.as_asgi(), name="live-session"),
    re_path(r"", consumers.UnknownSocket.as_asgi(), name="live-unknown"),
]
