"""Where things are stored, read from the environment. Every variable is described in `.env.example`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chatlog.domain.price import Price
from chatlog.domain.throughput import HIGHEST, LOWEST_MANUAL
from chatlog.errors import ConfigurationError

SQLITE_FILE_NAME = "chatlog.sqlite3"
MAX_KEEP_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class CosmosSettings:
    """How to reach a Cosmos DB container.

    Attributes:
        endpoint: the account's address, `https://<account>.documents.azure.com:443/`.
        key: an account key; `None` signs in with Microsoft Entra ID. Never shown in a `repr`.
        read_only: the container belongs to another program: it is watched and never written.
        emulator: a local server: its certificate is not checked, plain http is allowed, other regions are not looked for.
        naive_zone: the zone that stored times without one are meant in; `None` is this machine's.
        warn_above: request units that one operation may cost without a warning in the log.
    """

    endpoint: str
    key: str | None = field(default=None, repr=False)
    database_name: str = "chatlog"
    container_name: str = "sessions"
    read_only: bool = False
    emulator: bool = False
    naive_zone: ZoneInfo | None = None
    warn_above: float = 500.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ConfigurationError(
                f"COSMOSDB_ENDPOINT={self.endpoint!r} is not an address. "
                "Copy the URI from the account's overview, such as https://my-account.documents.azure.com:443/"
            )
        if parts.scheme == "http" and not self.emulator:
            raise ConfigurationError(
                f"COSMOSDB_ENDPOINT={self.endpoint!r} would send the key unencrypted. "
                "Use https, or set COSMOSDB_EMULATOR=1 if this is a local test server."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Which store to open: Cosmos DB if `cosmos` is set, or what is mirrored of it; else the SQLite file in `data_dir`."""

    data_dir: Path = Path("data")
    cosmos: CosmosSettings | None = None

    @property
    def sqlite_path(self) -> Path:
        """The embedded store's database file."""
        return self.data_dir / SQLITE_FILE_NAME

    @property
    def mirror_path(self) -> Path:
        """The database file that a container of another program is mirrored into; each has one of its own.

        Raises:
            ConfigurationError: no container is named.
        """
        if self.cosmos is None:
            raise ConfigurationError("COSMOSDB_ENDPOINT is not set: there is no container to mirror.")
        place = (self.cosmos.endpoint, self.cosmos.database_name, self.cosmos.container_name)
        return self.data_dir / f"mirror_{hashlib.sha256(json.dumps(place).encode()).hexdigest()[:12]}.sqlite3"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> StoreSettings:
        """Read the settings. An empty variable counts as unset. Raises `ConfigurationError` on nonsense."""
        env = {name: value for name, value in (os.environ if environ is None else environ).items() if value.strip()}
        return cls(data_dir=Path(env.get("CHATLOG_DATA_DIR", "data")), cosmos=_cosmos_from_env(env))


def keep_days_from_env(environ: Mapping[str, str] | None = None) -> int | None:
    """How many days a discussion is kept after its last remark; `None` for ever. Raises `ConfigurationError` on nonsense."""
    value = (os.environ if environ is None else environ).get("CHATLOG_KEEP_DAYS", "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= MAX_KEEP_DAYS and len(value) < 6):
        raise ConfigurationError(f"CHATLOG_KEEP_DAYS={value!r} is not a number of days from 1 to {MAX_KEEP_DAYS:,}.")
    return int(value)


def price_from_env(environ: Mapping[str, str] | None = None) -> Price | None:
    """What a million request units cost, from `CHATLOG_PRICE_PER_MILLION_RU`; `None` if it is not set.

    Raises `ConfigurationError` on nonsense. Where prices come from: docs/costs.md.
    """
    value = (os.environ if environ is None else environ).get("CHATLOG_PRICE_PER_MILLION_RU", "").strip()
    return Price.parse(value, name="CHATLOG_PRICE_PER_MILLION_RU") if value else None


def max_throughput_from_env(environ: Mapping[str, str] | None = None) -> int:
    """The most RU/s that tuning may reserve, from `CHATLOG_MAX_THROUGHPUT`. Raises `ConfigurationError` on nonsense."""
    value = (os.environ if environ is None else environ).get("CHATLOG_MAX_THROUGHPUT", "").strip() or "1000"
    if not (value.isascii() and value.isdigit() and len(value) <= 7 and LOWEST_MANUAL <= int(value) <= HIGHEST):
        raise ConfigurationError(
            f"CHATLOG_MAX_THROUGHPUT={value!r} is not a number of RU/s from {LOWEST_MANUAL} to {HIGHEST:,}."
        )
    return int(value)


def _cosmos_from_env(env: Mapping[str, str]) -> CosmosSettings | None:
    if "COSMOSDB_ENDPOINT" not in env:
        if _flag(env, "COSMOSDB_READ_ONLY"):
            raise ConfigurationError(
                "COSMOSDB_READ_ONLY=1 watches a container, and none is named. Set COSMOSDB_ENDPOINT, COSMOSDB_DATABASE_NAME "
                "and COSMOSDB_CONTAINER_NAME, or unset it."
            )
        return None
    return CosmosSettings(
        endpoint=env["COSMOSDB_ENDPOINT"],
        key=env.get("COSMOSDB_KEY"),
        database_name=env.get("COSMOSDB_DATABASE_NAME", "chatlog"),
        container_name=env.get("COSMOSDB_CONTAINER_NAME", "sessions"),
        read_only=_flag(env, "COSMOSDB_READ_ONLY"),
        emulator=_flag(env, "COSMOSDB_EMULATOR"),
        naive_zone=_zone(env),
        warn_above=_units(env, "CHATLOG_WARN_ABOVE_RU", default=500),
    )


def _units(env: Mapping[str, str], name: str, *, default: int) -> int:
    value = env.get(name, str(default)).strip()
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0):
        raise ConfigurationError(
            f"{name}={value!r} is not a number of request units. Use a whole number from 1 to 999,999,999."
        )
    return int(value)


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "0").strip().lower()
    if value not in {"0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ConfigurationError(f"{name}={value!r} is neither yes nor no. Use 1 or 0.")
    return value in {"1", "true", "yes", "on"}


def _zone(env: Mapping[str, str]) -> ZoneInfo | None:
    name = env.get("TIME_ZONE")
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(f"TIME_ZONE={name!r} is not a time zone. Use a name such as Asia/Tokyo or UTC.") from error
