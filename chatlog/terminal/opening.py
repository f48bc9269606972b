"""Which store a command works with: the one place that reads `--store` and `CHATLOG_TOKEN`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from chatlog.errors import ConfigurationError
from chatlog.storage.base import SessionStore
from chatlog.storage.opening import find_sqlite_path, is_site, open_store

if TYPE_CHECKING:
    from chatlog.client import RemoteStore

TOKEN = "CHATLOG_TOKEN"  # noqa: S105  # the variable's name
# People wait for a command's end. What is not sent by then is on the disk.
CLOSING_SECONDS = 2.0


def add_store_argument(parser: ArgumentParser) -> None:
    """`--store`."""
    parser.add_argument(
        "--store",
        metavar="LOCATION",
        help=f"sqlite:///file, or https://… of a chatlog site, whose token is taken from {TOKEN}; "
        "without it, what COSMOSDB_ENDPOINT or CHATLOG_DATA_DIR name",
    )


def add_site_argument(parser: ArgumentParser) -> None:
    """`--store`, where only a site will do."""
    parser.add_argument(
        "--store", required=True, metavar="ADDRESS", help=f"https://… of the site, whose token is taken from {TOKEN}"
    )


def open_from(location: str | None, *, begins: bool = False) -> SessionStore | RemoteStore:
    """The store at a location or, without one, that of the environment.

    Args:
        begins: make the embedded database if it is not there yet. A command that only reads would leave an empty one behind
            wherever it is run.
    Raises:
        ConfigurationError: the location or the environment cannot be understood, or nothing is there.
    """
    if location is not None and is_site(location):
        return open_site(location)
    path = find_sqlite_path(location)
    if path is not None and not begins and not path.exists():
        raise ConfigurationError(
            f"Nothing was recorded in {path} yet. Name the place with --store, CHATLOG_DATA_DIR or COSMOSDB_ENDPOINT."
        )
    return open_store(location)


def open_site(location: str, *, closing_seconds: float = CLOSING_SECONDS) -> RemoteStore:
    """A chatlog site, reached over HTTP.

    Args:
        closing_seconds: how long the end of the command may take while something waits to be sent.
    Raises:
        ConfigurationError: the location is no site's, or there is no token.
    """
    from chatlog.client import QueueLimits, RemoteStore  # noqa: PLC0415  # who records into a file does not load HTTP

    return RemoteStore(location, token=_read_token(), limits=QueueLimits(closing_seconds=closing_seconds))


def _read_token() -> str:
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise ConfigurationError(f"{TOKEN} is not set. Put the site's token there; `manage.py create_token` makes one.")
    return token
