"""What the SDK raises, in chatlog's words: which errors may pass by themselves, and what to do about the others."""

from __future__ import annotations

from azure.core.exceptions import AzureError, ClientAuthenticationError, DecodeError, ServiceRequestError, ServiceResponseError
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosClientTimeoutError, CosmosHttpResponseError

from chatlog.errors import ChatlogError, ItemTooLarge, StorageDenied, StorageError, StorageFull, StorageUnavailable

# What a driver call may raise on purpose; anything else is a programming error and passes through untouched.
DRIVER_ERRORS = (AzureError, TimeoutError)

# 408 and 500 leave it open whether a write happened, 410 is a moving partition, 429 asks for patience, 449 is a clash of
# writes inside the service. Source: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
PASSING_STATUS = frozenset({408, 410, 429, 449, 500, 503})
# A replica that has not yet seen what this client wrote; it looks like "no such item".
_NOT_YET_SEEN = (404, 1002)
# The request or its reply was lost on the way; the SDK sorts the two unreliably, so both leave the outcome unknown.
PASSING_ERRORS = (TimeoutError, CosmosClientTimeoutError, ServiceRequestError, ServiceResponseError, DecodeError)

CONFLICT = 409
_PARTITION_FULL = 1014
_RETRY_AFTER = "x-ms-retry-after-ms"


def status_of(error: BaseException) -> int | None:
    """The HTTP status in a driver error; of a batch, the status of the operation that failed."""
    if isinstance(error, CosmosHttpResponseError | CosmosBatchOperationError):
        return int(error.status_code or 0)
    return None


def is_passing(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    status = status_of(error)
    if status is None:
        return isinstance(error, PASSING_ERRORS)
    return status in PASSING_STATUS or (status, getattr(error, "sub_status", None)) == _NOT_YET_SEEN


def is_missing_item(error: BaseException) -> bool:
    """Whether the item is not there, and not its container (1003), or only the newest state of it (1002)."""
    return status_of(error) == 404 and not getattr(error, "sub_status", None)


def wished_pause(error: BaseException) -> float:
    """The seconds the service asked to wait, 0 if it did not."""
    headers = getattr(error, "headers", None) or {}
    return float(headers.get(_RETRY_AFTER, 0)) / 1000


def is_creating_refused(error: BaseException) -> bool:
    """Whether this identity may use data, yet not create databases and containers."""
    return status_of(error) == 403


def translate(error: BaseException, *, operation: str, host: str) -> ChatlogError:
    """The chatlog error for a driver error. Its text never holds the driver's, which may quote a signature."""
    status = status_of(error)
    where = f"Cosmos DB at {host}"
    if isinstance(error, ClientAuthenticationError) and status is None:
        return StorageDenied(
            f"{where}: signing in with Microsoft Entra ID failed ({operation}). "
            "Set COSMOSDB_KEY, or give this machine's identity a Cosmos DB data role (az login while developing)."
        )
    if status is None or is_passing(error):
        return StorageUnavailable(f"{where} {_complaint(error, status)} ({operation}). {_remedy(status)}")
    return _refusal(error, status, operation=operation, where=where)


def _complaint(error: BaseException, status: int | None) -> str:
    if status is not None:
        return f"answered {status}{_sub_status(error)} again and again"
    return "did not answer in time" if isinstance(error, TimeoutError) else f"cannot be reached: {type(error).__name__}"


def _remedy(status: int | None) -> str:
    if status == 429:
        return "The container's request units are used up; raise its throughput, or try again later."
    return "Check COSMOSDB_ENDPOINT, the network and the account's state; trying again later may work."


def _refusal(error: BaseException, status: int, *, operation: str, where: str) -> ChatlogError:
    answer = f"{where} answered {status}{_sub_status(error)} ({operation})."
    if status == 403 and getattr(error, "sub_status", None) == _PARTITION_FULL:
        return StorageFull(f"{answer} This session has reached the 20 GB of a logical partition; continue in a new one.")
    if status in {401, 403}:
        return StorageDenied(
            f"{answer} Check COSMOSDB_KEY (a read-only key cannot save), or the data role of the identity, "
            "and whether the account's firewall lets this machine in."
        )
    if status == 404:
        return StorageError(f"{answer} Check COSMOSDB_DATABASE_NAME and COSMOSDB_CONTAINER_NAME; the container may be deleted.")
    if status == 413:
        return ItemTooLarge("content", f"{answer} The item is over 2 MB of JSON. Split it into several messages.")
    return StorageError(f"{answer} The request itself is not accepted, so trying again will not help.")


def _sub_status(error: BaseException) -> str:
    sub_status = getattr(error, "sub_status", None)
    return f"/{sub_status}" if sub_status else ""
