"""Writing what was found into the mirror: one transaction for a page of the feed, with the place to read on from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import apsw

from chatlog.domain.models import Session
from chatlog.storage.mirror.decoding import Reading
from chatlog.storage.mirror.deriving import DERIVED_FROM, derive_session, find_question, status_at, task_of
from chatlog.storage.mirror.found import FoundRemark
from chatlog.storage.mirror.notes import MirrorNotes, store_notes
from chatlog.storage.sqlite.describing import describe_session, find_described
from chatlog.storage.sqlite.messages import append_unknown


def apply_page(connection: apsw.Connection, reading: Reading, *, notes: MirrorNotes, now: datetime) -> None:
    """Store what is new in a page, and the notes that go with it: a kill leaves both or neither."""
    for found in reading.sessions:
        describe_session(connection, found.session, deleted_at=found.deleted_at)
    for session_id, remarks in _by_session(reading.remarks).items():
        _apply_remarks(connection, session_id, remarks, now=now)
    store_notes(connection, notes)


def _by_session(remarks: Sequence[FoundRemark]) -> dict[str, list[FoundRemark]]:
    """The remarks of each session by their own numbers; those with the same one as they came."""
    found: dict[str, list[FoundRemark]] = defaultdict(list)
    for remark in remarks:
        found[remark.session_id].append(remark)
    return {session_id: sorted(said, key=lambda remark: remark.order) for session_id, said in found.items()}


def _apply_remarks(connection: apsw.Connection, session_id: str, remarks: list[FoundRemark], *, now: datetime) -> None:
    session = find_described(connection, session_id)
    if session is None:
        session = derive_session(remarks, now=now)
        describe_session(connection, session)
    drafts = [draft for remark in remarks for draft in remark.drafts]
    if append_unknown(connection, session_id, drafts) and DERIVED_FROM in session.metadata:
        _derive_again(connection, session, remarks, now=now)


def _derive_again(connection: apsw.Connection, old: Session, remarks: list[FoundRemark], *, now: datetime) -> None:
    """A derived session goes on when somebody speaks, and has its task from the first person who does."""
    session = find_described(connection, old.session_id) or old
    question = find_question(remarks) if session.metadata[DERIVED_FROM] != "user" else None
    new = replace(session, status=status_at(session.last_activity_at, now=now))
    if question is not None:
        new = replace(new, task=task_of(question), metadata={**session.metadata, DERIVED_FROM: "user"})
    if new != session:
        describe_session(connection, new)
