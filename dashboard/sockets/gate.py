"""What every socket passes before anything else: the origin of the page that opens it, then who is logged in there."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from channels.auth import get_user
from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from dashboard.locale import read_locale

logger = logging.getLogger(__name__)


class Gate:
    """Puts `session`, `user` and `locale` into the scope.

    Not Channels' own AuthMiddlewareStack: that wraps `send`, to set cookies a socket cannot set, at a cost for every frame to
    every viewer. Not its AllowedHostsOriginValidator: that takes any port and any scheme of an allowed host for the same site.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not is_own_origin(headers.get(b"origin"), host=headers.get(b"host", ""), scheme=scope.get("scheme", "ws")):
            logger.warning(
                "Refused a socket from origin %r to host %r. If this is the site's own address behind a proxy, "
                "add it to CSRF_TRUSTED_ORIGINS.",
                headers.get(b"origin"),
                headers.get(b"host"),
            )
            await send({"type": "websocket.close", "code": 4403})  # before accepting: an HTTP 403
            return
        cookies = parse_cookie(headers.get(b"cookie", ""))
        session = import_module(settings.SESSION_ENGINE).SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
        inner_scope: Any = {**scope, "session": session}
        inner_scope["user"] = await get_user(inner_scope)
        inner_scope["locale"] = read_locale(cookies=cookies, accept_language=headers.get(b"accept-language", ""))
        await self._inner(inner_scope, receive, send)


def is_own_origin(origin: str | None, *, host: str, scheme: str) -> bool:
    """Whether a page of this very site opens the socket: the same scheme, host and port, or an origin that was named.

    A missing or `null` origin is refused: it is no browser, or a page that hides where it comes from.
    """
    if origin is None or not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    page_scheme = "https" if scheme in {"wss", "https"} else "http"
    return origin == f"{page_scheme}://{host}" or origin in settings.CSRF_TRUSTED_ORIGINS
