from __future__ import annotations

from chatlog.client.entries import Backlog, QueueLimits, RefusedEntry
from chatlog.client.store import RemoteStore

__all__ = ["Backlog", "QueueLimits", "RefusedEntry", "RemoteStore"]
