"""A secret for the page after a redirect, which shows it once. Reloading that page does nothing again, and shows nothing.

One half waits in the login session, the other in a cookie of that page: who reads the database has nothing of it, nor has who
finds the cookie.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# A browser follows a redirect at once.
WAITING_SECONDS = 60


def keep(request: HttpRequest, redirect: HttpResponse, *, name: str, secret: str, path: str) -> None:
    """Hand the secret on to the page at that path, under a name that it knows it by."""
    half = secrets.token_bytes(len(secret.encode()))
    request.session[name] = _combine(secret.encode(), half).hex()
    redirect.set_cookie(
        name,
        half.hex(),
        max_age=WAITING_SECONDS,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def take(request: HttpRequest, *, name: str) -> str | None:
    """The secret, the first time; `None` afterwards."""
    half = request.session.pop(name, None)
    if half is None:
        return None
    try:
        return _combine(bytes.fromhex(half), bytes.fromhex(request.COOKIES.get(name, ""))).decode()
    except ValueError:  # the cookie is gone, or somebody changed it
        return None


def forget(response: HttpResponse, *, name: str, path: str) -> None:
    """Have the browser throw its half away."""
    response.delete_cookie(name, path=path, samesite="Strict")


def _combine(one: bytes, other: bytes) -> bytes:
    """A one-time pad: as random as its half, and undone by it."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
