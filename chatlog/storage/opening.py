"""Choosing a store: the one place that knows which there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, overload
from urllib.parse import unquote

from chatlog.config import CosmosSettings, StoreSettings
from chatlog.errors import ConfigurationError
from chatlog.storage.base import SessionStore

if TYPE_CHECKING:
    from chatlog.client import RemoteStore

_SQLITE_PREFIX = "sqlite:///"
_HTTP_PREFIXES = ("https://", "http://")


@overload
def open_store(location: str, *, token: str, allow_plain_http: bool = False) -> RemoteStore: ...
@overload
def open_store(location: str | StoreSettings | None = None, *, token: None = None) -> SessionStore: ...
@overload
def open_store(
    location: str | StoreSettings | None, *, token: str | None, allow_plain_http: bool = False
) -> SessionStore | RemoteStore: ...
def open_store(
    location: str | StoreSettings | None = None, *, token: str | None = None, allow_plain_http: bool = False
) -> SessionStore | RemoteStore:
    """The store that `location` names, or, without one, that the environment names (`COSMOSDB_ENDPOINT`, `CHATLOG_DATA_DIR`).

    It connects on first use. Use it as `async with open_store() as store:`, or call `aclose()`.

    Args:
        location: `"sqlite:///relative/file"`, `"sqlite:////absolute/file"`, settings, or the address of a site,
            `"https://chatlog.example.org"`, which is written to over HTTP; see `chatlog.client.RemoteStore`.
        token: what a site knows this program by; only for such an address, and needed there.
        allow_plain_http: send the token unencrypted to a site on another machine, in a network where nobody else can listen.
    Raises:
        ConfigurationError: the location, the token or the environment cannot be understood.
    """
    if isinstance(location, str) and is_site(location):
        return _open_remote(location, token, allow_plain_http=allow_plain_http)
    for name, is_given in (("A token", token is not None), ("allow_plain_http", allow_plain_http)):
        if is_given:
            raise ConfigurationError(f"{name} is for a site's address, such as open_store('https://…', token=…). Leave it out.")
    if isinstance(location, str):
        return _open_sqlite(_sqlite_path(location))
    settings = StoreSettings.from_env() if location is None else location
    if settings.cosmos is None:
        return _open_sqlite(settings.sqlite_path)
    return _open_mirror(settings.cosmos, settings.mirror_path) if settings.cosmos.read_only else _open_cosmos(settings.cosmos)


def is_site(location: str) -> bool:
    """Whether a location is the address of a site, and wants a token."""
    return location.lower().startswith(_HTTP_PREFIXES)


def find_sqlite_path(location: str | None = None) -> Path | None:
    """The file of the embedded store that `open_store` would open; `None` for another store. Raises `ConfigurationError`."""
    if location is not None:
        return _sqlite_path(location)
    settings = StoreSettings.from_env()
    return settings.sqlite_path if settings.cosmos is None else None


def _sqlite_path(location: str) -> Path:
    path = unquote(location.removeprefix(_SQLITE_PREFIX))
    if not location.startswith(_SQLITE_PREFIX) or not path:
        raise ConfigurationError(
            f"{location!r} names no store. Use 'sqlite:///file.sqlite3' or a site's 'https://…', or leave it out and set "
            "COSMOSDB_ENDPOINT."
        )
    return Path(path)


# Each store is imported when it is chosen: an agent that writes to a file does not load the Azure SDK.
def _open_sqlite(path: Path) -> SessionStore:
    from chatlog.storage.sqlite.store import SqliteSessionStore

    return SqliteSessionStore(path)


def _open_cosmos(settings: CosmosSettings) -> SessionStore:
    from chatlog.storage.cosmos.store import CosmosSessionStore

    return CosmosSessionStore(settings)


def _open_mirror(settings: CosmosSettings, path: Path) -> SessionStore:
    from chatlog.storage.mirror.store import MirrorStore

    return MirrorStore(settings, path)


def _open_remote(location: str, token: str | None, *, allow_plain_http: bool) -> RemoteStore:
    from chatlog.client import RemoteStore

    if token is None:
        raise ConfigurationError(
            f"{location!r} is a site, and wants a token: open_store({location!r}, token=…). Whoever runs the site makes one "
            "with `manage.py create_token USER`."
        )
    return RemoteStore(location, token=token, allow_plain_http=allow_plain_http)
