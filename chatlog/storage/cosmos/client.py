"""The SDK's client: signed in, opened, and sure to be closed."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.cosmos.aio import CosmosClient

from chatlog.config import CosmosSettings
from chatlog.errors import ConfigurationError
from chatlog.storage.cosmos.charges import Meter
from chatlog.storage.cosmos.retrying import Budget, run
from chatlog.storage.cosmos.tuning import Tuning

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.identity.aio import DefaultAzureCredential


async def enter_client(settings: CosmosSettings, stack: AsyncExitStack, *, meter: Meter, tuning: Tuning) -> CosmosClient:
    """A client that knows its account; `stack` closes it. Raises `ConfigurationError`, `StorageError`."""
    client = _new_client(settings, await _credential(settings, stack), meter)
    stack.push_async_callback(client.close)  # also if entering it fails: it holds sockets from the start
    host = urlsplit(settings.endpoint).netloc
    await run(Budget(tuning, operation="connect", host=host), client.__aenter__)
    return client


def _new_client(settings: CosmosSettings, credential: str | AsyncTokenCredential, meter: Meter) -> CosmosClient:
    return CosmosClient(
        settings.endpoint,
        credential,
        # How often and how long to try is decided in one place, retrying.py. For 429 the SDK takes 0 for "the default",
        # while a wait of less than nothing is always used up.
        retry_total=0,
        retry_connect=0,
        retry_read=0,
        retry_status=0,
        retry_throttle_backoff_max=-1,
        connection_timeout=5,
        read_timeout=10,
        enable_compact_utf8_item_writes=True,  # Japanese takes half the bytes
        user_agent_suffix="chatlog",
        raw_request_hook=meter.before,
        raw_response_hook=meter.after,
        **_emulator_options(settings),
    )


def _emulator_options(settings: CosmosSettings) -> dict[str, Any]:
    return {"connection_verify": False, "enable_endpoint_discovery": False} if settings.emulator else {}


async def _credential(settings: CosmosSettings, stack: AsyncExitStack) -> str | AsyncTokenCredential:
    if settings.key is not None:
        return _checked_key(settings.key)
    if urlsplit(settings.endpoint).scheme == "http":
        raise ConfigurationError("COSMOSDB_KEY is not set, and a server without TLS takes no other sign-in. Set its key.")
    return await stack.enter_async_context(_entra_credential())


def _checked_key(key: str) -> str:
    try:
        base64.b64decode(key, validate=True)
    except ValueError:
        # Neither the key nor the decoder's error, which may hold some of it, must be shown.
        raise ConfigurationError(
            "COSMOSDB_KEY is not an account key: copy the Base64 text from the account's Keys page."
        ) from None
    return key


def _entra_credential() -> DefaultAzureCredential:
    try:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415  # an extra, needed without a key only
    except ImportError as error:
        raise ConfigurationError(
            "COSMOSDB_KEY is not set, and signing in with Microsoft Entra ID needs azure-identity. "
            "Install it (pip install 'chatlog[azure]'), or set COSMOSDB_KEY."
        ) from error
    return DefaultAzureCredential()
