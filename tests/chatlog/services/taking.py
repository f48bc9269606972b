"""What the tests of export and import share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from chatlog import MessageDraft, Session, SessionStatus, SessionStore, open_store
from chatlog.services.exporting import Writer, export_sessions, list_all
from chatlog.services.formats.jsonl import JsonlWriter
from chatlog.services.import_files import Problem, list_files
from chatlog.services.importing import ImportCount, import_discussions, read_files
from tests.factories import make_session


def open_sqlite(path: Path) -> SessionStore:
    return open_store(f"sqlite:///{path}")


async def export(store: SessionStore, *, writer: Writer | None = None) -> bytes:
    pieces = export_sessions(store, list_all(store), writer=writer or JsonlWriter())
    return b"".join([piece async for piece in pieces])


async def bring_in(store: SessionStore, *paths: Path, problems: list[Problem] | None = None) -> ImportCount:
    """Import, and expect no problem unless a list is there for them."""
    found: list[Problem] = [] if problems is None else problems
    discussions = read_files(list_files(paths), report=found.append, on_progress=lambda path, size: None)
    count = await import_discussions(store, discussions, report=found.append)
    assert problems is not None or found == []
    return count


async def keep(store: SessionStore, drafts: Iterable[MessageDraft], **overrides: object) -> Session:
    """A session with these messages, as they come from a recorder."""
    status = overrides.pop("status", SessionStatus.COMPLETED)
    session = await store.create_session(replace(make_session(**overrides), status=SessionStatus.ACTIVE))
    if drafts := list(drafts):
        await store.append_messages(session.session_id, drafts)
    return await store.update_session(session.session_id, status=SessionStatus(str(status)))
