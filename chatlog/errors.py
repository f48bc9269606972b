"""Every error that chatlog raises on purpose.

    ChatlogError
    ├── InvalidInput (also a ValueError)   what was passed in cannot be stored; never retried
    │   ├── InvalidId                      a session or message id with a character or length no store takes
    │   ├── InvalidText                    empty text, a NUL, a lone surrogate
    │   ├── InvalidTimestamp               naive, unreadable or out of range
    │   ├── InvalidNumber                  a sequence, limit or count out of range
    │   ├── InvalidCursor                  a list cursor that this store did not hand out
    │   └── ItemTooLarge                   more than one stored item can hold
    ├── SessionNotFound (also a LookupError)
    │   └── SessionDeleted                 it was deleted a short while ago and can be restored
    ├── SessionExists                      the id is taken by a discussion of another task
    ├── IdempotencyConflict                the message id was used before, for other text
    ├── ConfigurationError                 the environment asks for something that cannot be
    ├── Contradiction                      a file says something else than is stored (`chatlog.services.import_comparing`)
    ├── ImportStopped                      a strict import met a bad record (`chatlog.services.importing`)
    └── StorageError                       the store could not do it; the cause is chained
        ├── StorageUnavailable             unreachable, too slow or throttled: trying again later may work
        ├── StorageDenied                  wrong key, missing role
        ├── StorageFull                    no space left, or the account's quota is used up
        ├── StorageReadOnly                the file or its folder cannot be written
        │   └── WatchedOnly                the container belongs to another program, and is only watched
        ├── StorageCorrupt                 what is stored cannot be what chatlog wrote
        └── StoreClosed                    used after `aclose()`

Messages name the thing, the value, the limit and what to do. They never hold a key or a connection string.
"""

from __future__ import annotations

from typing import Self


class ChatlogError(Exception):
    """The root: `except ChatlogError` catches whatever chatlog raises on purpose."""


class InvalidInput(ChatlogError, ValueError):
    """A value that cannot be stored.

    Attributes:
        field: the name of the argument or document field at fault, for example `"content"`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class InvalidId(InvalidInput):
    """An id that a store or a URL could not carry."""


class InvalidText(InvalidInput):
    """Text that is empty or cannot be encoded."""


class InvalidTimestamp(InvalidInput):
    """A time that is naive, unreadable or outside the years 1 to 9999."""


class InvalidNumber(InvalidInput):
    """A number outside its range."""


class InvalidCursor(InvalidInput):
    """A list cursor that no list call returned."""


class ItemTooLarge(InvalidInput):
    """An item larger than the 2 MB of UTF-8 JSON that Cosmos DB takes; both stores keep that limit."""


class SessionNotFound(ChatlogError, LookupError):
    """There is no session with that id."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session {session_id!r}. It may have been deleted, or the id is mistyped.")
        self.session_id = session_id


class SessionDeleted(SessionNotFound):
    """The session was deleted, and can still be restored with `restore_session`."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.args = (f"Session {session_id!r} was deleted. For a week it can be restored.",)


class SessionExists(ChatlogError):
    """A session with that id is there already, with another task."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"Session {session_id!r} exists already with another task. "
            "Continue it with Recorder(store, session_id=…), or leave the id out to get a new one."
        )
        self.session_id = session_id


class IdempotencyConflict(ChatlogError):
    """A message id that is stored already was sent again with other text; the stored text is unchanged."""

    def __init__(self, session_id: str, message_id: str) -> None:
        super().__init__(
            f"Message id {message_id!r} is stored already in session {session_id!r} with another source or content. "
            "Give every remark an id of its own; only a repeated send of the same remark may reuse one."
        )
        self.session_id = session_id
        self.message_id = message_id


class ConfigurationError(ChatlogError):
    """A setting that is missing, unreadable or contradicts another."""


class StorageError(ChatlogError):
    """The store could not do what was asked. The driver's own error is the `__cause__`."""

    def own_copy(self) -> Self:
        """The same error, for each of several callers to raise: a traceback grows wherever one object is raised again."""
        twin = self.__class__.__new__(self.__class__, *self.args)
        twin.__cause__ = self.__cause__
        return twin


class StorageUnavailable(StorageError):
    """The store did not answer in time, refused the connection or asked to slow down. Trying again later may work."""


class StorageDenied(StorageError):
    """The store refused the key or the identity. Trying again will not help."""


class StorageFull(StorageError):
    """There is no room left. Saving works again by itself once there is."""


class StorageReadOnly(StorageError):
    """The database file, its folder or its disk cannot be written."""


class WatchedOnly(StorageReadOnly):
    """The container belongs to another program (`COSMOSDB_READ_ONLY`). Trying again will not help."""

    def __init__(self) -> None:
        super().__init__(
            "This container belongs to another program and is only watched: nothing can be saved, changed or deleted. "
            "To write, unset COSMOSDB_READ_ONLY and name a container of chatlog's own."
        )


class StorageCorrupt(StorageError):
    """What is stored is damaged, or was not written by chatlog."""


class StoreClosed(StorageError):
    """The store was closed before this call."""

    def __init__(self) -> None:
        super().__init__("The store is closed. Open a new one with chatlog.open_store().")


# Trouble that the same attempt will meet again, however long it waits.
LASTING = (StorageDenied, StorageReadOnly, StorageCorrupt, StoreClosed)
