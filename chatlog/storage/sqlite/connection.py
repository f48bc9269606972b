"""Opening the database file, and saying what went wrong with it in chatlog's words."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import apsw

from chatlog.errors import (
    StorageCorrupt,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageUnavailable,
)
from chatlog.storage.sqlite import queries
from chatlog.storage.sqlite.matching import add_matching
from chatlog.storage.sqlite.migrating import SCHEMA_VERSION, create_tables, migrate_from_1, migrate_from_2

# How long a writer waits for the writers of other processes. One group commit takes about a millisecond.
BUSY_SECONDS = 10.0

_ANSWERS: tuple[tuple[type[apsw.Error], type[StorageError], str], ...] = (
    (apsw.FullError, StorageFull, "the disk is full. Make room; saving then works again by itself."),
    (apsw.ReadOnlyError, StorageReadOnly, "it cannot be written. Check the disk and the file's permissions."),
    (apsw.CantOpenError, StorageReadOnly, "it cannot be opened. Check that its folder exists and can be written."),
    (apsw.PermissionsError, StorageDenied, "access was refused. Check the file's permissions."),
    (apsw.AuthError, StorageDenied, "access was refused. Check the file's permissions."),
    (apsw.BusyError, StorageUnavailable, f"another process kept it locked for {BUSY_SECONDS:.0f} s. Try again."),
    (apsw.LockedError, StorageUnavailable, "it is locked. Try again."),
    (apsw.CorruptError, StorageCorrupt, "it is damaged. Restore a backup, or move it away to start anew."),
    (apsw.NotADBError, StorageCorrupt, "it is not a SQLite database. Point CHATLOG_DATA_DIR elsewhere, or move it away."),
    (apsw.IOError, StorageUnavailable, "the disk reported an error. Check the disk; nothing unconfirmed counts as saved."),
)


def open_connection(path: Path, *, prepare: Callable[[apsw.Connection, Path], None] | None = None) -> apsw.Connection:
    """A connection that reads and writes, to a database that has its tables.

    Args:
        prepare: makes the tables, or brings them up to date; those of the embedded store by default.
    Raises:
        StorageError: the file or its folder cannot be used; the message says why.
    """
    with translated_errors(path):
        _make_folder(path.parent)
        connection = apsw.Connection(str(path))
        try:
            _configure(connection)
            (prepare or _prepare_schema)(connection, path)
        except BaseException:  # raised again below
            connection.close()
            raise
        return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection for reading only, to a database that `open_connection` has prepared, or that lies on a read-only disk."""
    with translated_errors(path):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(_reading_address(path), flags=flags)
        connection.set_busy_handler(_wait_for_writer)
        _check_readable(connection, path)
        add_matching(connection)
        return connection


def _reading_address(path: Path) -> str:
    """The file's address; on a disk that nobody can write, with the promise that lets SQLite do without a write-ahead log.

    Source: https://www.sqlite.org/wal.html#read_only_databases
    """
    changeable = os.access(path.parent, os.W_OK) or Path(f"{path}-wal").exists()
    return f"file:{quote(str(path))}?mode=ro" + ("" if changeable else "&immutable=1")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into a `StorageError` that names the file and what to do."""
    try:
        yield
    except apsw.Error as error:
        raise _translate(error, path) from error
    except OSError as error:
        raise StorageReadOnly(f"The database {path}: its folder cannot be made or entered ({error.strerror}).") from error


def _translate(error: apsw.Error, path: Path) -> StorageError:
    for kind, translation, advice in _ANSWERS:
        if isinstance(error, kind):
            return translation(f"The database {path}: {advice} (SQLite says: {error})")
    return StorageError(f"The database {path}: SQLite failed unexpectedly ({type(error).__name__}: {error}).")


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _configure(connection: apsw.Connection) -> None:
    connection.set_busy_handler(_wait_for_writer)
    _switch_to_wal(connection)
    # FULL: a commit is on the disk before it is acknowledged. NORMAL may lose the last ones in a power cut.
    # Source: https://www.sqlite.org/pragma.html#pragma_synchronous
    connection.execute(queries.WAIT_FOR_DISK)
    connection.execute("PRAGMA foreign_keys = ON")
    # What a refused save would have to take back, SQLite copies page by page into a temporary file, which was seven times what
    # it wrote to the database. It is never more than what one transaction changes, and memory will do.
    # Source: https://www.sqlite.org/tempfiles.html#statement_journal_files
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")


def _switch_to_wal(connection: apsw.Connection) -> None:
    """Use a write-ahead log, also while other processes switch the same new file.

    Each of them reads and wants to write, which SQLite refuses at once to all but one: its busy handler waits only
    where waiting cannot be a deadlock. Source: https://www.sqlite.org/c3ref/busy_handler.html
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            _pause()
        else:
            return


def _wait_for_writer(attempt: int) -> bool:
    """Wait for another process's transaction. Short random waits: SQLite's own back-off lets one of eight writers starve."""
    _pause()
    return attempt * 0.0021 < BUSY_SECONDS


def _pause() -> None:
    time.sleep(random.uniform(0.0002, 0.004))  # noqa: S311  # spreads the waiters; nothing secret


def _prepare_schema(connection: apsw.Connection, path: Path) -> None:
    if _schema_version(connection, path) == SCHEMA_VERSION:
        return
    connection.execute(queries.BEGIN_WRITING)
    try:
        match _schema_version(connection, path):  # asked again: another process may have been first
            case 0:
                create_tables(connection)
            case 1:
                migrate_from_1(connection)
            case 2:
                migrate_from_2(connection)
        connection.execute(queries.COMMIT)
    except BaseException:  # raised again below
        connection.execute(queries.ROLLBACK)
        raise


def _check_readable(connection: apsw.Connection, path: Path) -> None:
    version = _schema_version(connection, path)
    if version < SCHEMA_VERSION:
        connection.close()
        raise StorageReadOnly(
            f"The database {path} was written by an older chatlog: it has schema {version}, this one reads {SCHEMA_VERSION}. "
            "Open it once where it can be written; it is then brought up to date."
        )


def _schema_version(connection: apsw.Connection, path: Path) -> int:
    version = int(connection.pragma("user_version"))
    if version > SCHEMA_VERSION:
        raise StorageCorrupt(
            f"The database {path} was written by a newer chatlog: it has schema {version}, this one knows {SCHEMA_VERSION}. "
            "Upgrade chatlog."
        )
    return version
