"""Locks on files: of several processes one has its turn, and the system takes it back from one that is killed."""

from __future__ import annotations

from chatlog.errors import ConfigurationError

try:
    import fcntl
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "Recording over HTTP, and watching another program's container, need Linux or macOS: this system has no locks on files "
        "that end with their process (fcntl). Agents on it can record into a file or into a container of chatlog's own."
    ) from error


def try_lock(descriptor: int) -> bool:
    """Whether the lock is this one's now; never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Let the next one have it. Closing is not enough: a process that was forked meanwhile has the file open as well."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
