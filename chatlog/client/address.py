"""A site's address: which are taken, where its calls are, and the name of the queue for it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from chatlog.errors import ConfigurationError

API_PATH = "/api/v1"
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """Where a site is. Two spellings of one address are equal, so that they share one queue.

    Attributes:
        root: scheme, host, port if it is an unusual one, and the path that a proxy serves the site under; no slash at the end.
    """

    root: str

    @classmethod
    def parse(cls, location: str, *, allow_plain_http: bool) -> SiteAddress:
        """Read an address as a person writes it, with or without the slash or the API's own path at its end.

        Raises:
            ConfigurationError: it is none, holds a password, or would send the token unencrypted over a network.
        """
        parts, host, port = _split(location)
        if parts.username is not None or parts.query or parts.fragment:
            raise ConfigurationError(
                f"A site's address is https://host[:port][/path], without user, password or “?”; {host!r} has more. "
                "The token goes into token=…"
            )
        if parts.scheme == "http" and not (allow_plain_http or _is_loopback(host)):
            raise ConfigurationError(
                f"{location!r} would send the token unencrypted. Use https, or if nobody else can listen in that network, "
                "allow_plain_http=True beside the token."
            )
        place = f"[{host}]" if ":" in host else host
        if port not in {None, _DEFAULT_PORTS[parts.scheme]}:
            place += f":{port}"
        path = parts.path.rstrip("/").removesuffix(API_PATH).rstrip("/")
        return cls(f"{parts.scheme}://{place}{path}")

    def call(self, *path: str) -> str:
        """The address of an API call; whatever characters an id has, it stays one step of the path."""
        return "/".join([self.root + API_PATH, *(quote(step, safe="") for step in path)])

    def queue_file(self, folder: Path) -> Path:
        """The file that keeps what waits for this site."""
        readable = re.sub(r"[^\w.-]+", "_", self.root.partition("://")[2])[:60]
        return folder / f"outbox-{readable}-{hashlib.sha256(self.root.encode()).hexdigest()[:8]}.sqlite3"


def check_token(token: str) -> str:
    """Return the token, without white space around it. Raises `ConfigurationError`, which does not show it."""
    text = token.strip()
    if not re.fullmatch(r"[!-~]+", text):
        raise ConfigurationError(
            "The token is empty, or has characters that no token has. `manage.py create_token USER` prints one."
        )
    return text


def _split(location: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(location.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{location!r} is no address: {error}. Write it like https://chatlog.example.org.") from error
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ConfigurationError(f"{location!r} is no site's address. Write it like https://chatlog.example.org.")
    return parts, host, port


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
