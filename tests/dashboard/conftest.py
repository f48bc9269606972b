"""What the site's tests share: a store of their own, somebody who is logged in, and sockets as a browser opens them."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import AsyncClient
from django.test.client import AsyncClientHandler

from chatlog.storage.base import SessionStore
from chatlog.storage.sqlite.store import SqliteSessionStore
from dashboard.feeds import hub
from dashboard.one_thread import OneThread
from dashboard.sockets import registry
from dashboard.stores import use_store

ORIGIN = "http://testserver"


@pytest.fixture(scope="session", autouse=True)
def site_is_made() -> None:
    """Before any test: making it configures logging, which takes away whatever listens to the log at that moment."""
    importlib.import_module("dashboard.asgi")


@pytest.fixture(autouse=True)
def no_counted_logins() -> None:
    cache.clear()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    """An empty store, which the site uses too. Feeds end before it closes."""
    async with SqliteSessionStore(tmp_path / "chatlog.sqlite3") as opened:
        with use_store(opened):
            yield opened
            await hub.current.get().close()


@pytest.fixture
async def user(transactional_db: None) -> User:
    return await User.objects.acreate_user("ann", password="a long enough secret")


class SiteHandler(OneThread, AsyncClientHandler):
    """Runs the middleware as the site does."""


class SiteClient(AsyncClient):
    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.handler = SiteHandler(enforce_csrf_checks=bool(values.get("enforce_csrf_checks")))


@pytest.fixture
async def browser(user: User) -> AsyncClient:
    client = SiteClient()
    await client.aforce_login(user)
    return client


OpenSocket = Callable[..., WebsocketCommunicator]


@pytest.fixture
async def open_socket(browser: AsyncClient) -> AsyncIterator[OpenSocket]:
    """Makes a socket with the browser's cookie and origin, unless told otherwise. Open sockets are closed at the end."""
    from dashboard.asgi import application

    opened: list[WebsocketCommunicator] = []

    def make(
        path: str, *, origin: str | None = ORIGIN, cookie: str | None = None, host: str = "testserver"
    ) -> WebsocketCommunicator:
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value if cookie is None else cookie
        headers = [(b"host", host.encode()), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
        headers += [(b"origin", origin.encode())] if origin is not None else []
        opened.append(WebsocketCommunicator(application, path, headers=headers))
        return opened[-1]

    yield make
    for socket in opened:
        await socket.disconnect()
    assert not registry.current.get()._sockets
