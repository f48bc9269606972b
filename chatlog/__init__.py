from __future__ import annotations

from chatlog.domain.models import Message, MessageDraft, MessageKind, Session, SessionStatus
from chatlog.domain.text import replace_unstorable
from chatlog.errors import (
    ChatlogError,
    ConfigurationError,
    IdempotencyConflict,
    InvalidInput,
    SessionExists,
    SessionNotFound,
    StorageError,
    StorageUnavailable,
)
from chatlog.manager import CosmosDBManager
from chatlog.recorder import Recorder
from chatlog.storage.base import SessionPage, SessionReader, SessionStore, SessionWriter
from chatlog.storage.opening import open_store

__all__ = [
    "ChatlogError",
    "ConfigurationError",
    "CosmosDBManager",
    "IdempotencyConflict",
    "InvalidInput",
    "Message",
    "MessageDraft",
    "MessageKind",
    "Recorder",
    "Session",
    "SessionExists",
    "SessionNotFound",
    "SessionPage",
    "SessionReader",
    "SessionStatus",
    "SessionStore",
    "SessionWriter",
    "StorageError",
    "StorageUnavailable",
    "open_store",
    "replace_unstorable",
]
