"""Reading what export wrote. A session with anything wrong in it is left out whole: a gap would renumber the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from chatlog.domain.models import MessageDraft, Session
from chatlog.errors import InvalidInput
from chatlog.services.formats.jsonl import MARK, VERSION, read_message, read_session
from chatlog.services.import_files import Discussion, KeptDrafts, Line, Source, check_session, read_lines
from chatlog.storage.documents import check_drafts_fit


def read_export(source: Source) -> Iterator[Discussion]:
    """The sessions of a file that export wrote; of several such files, one behind the other, too."""
    is_open = False
    while (line := source.next_line()) is not None:
        record = parse_record(line.data)
        kind = None if record is None else record.get(MARK)
        if kind == "session":
            assert record is not None
            yield from _read_session(source, line, record)
        elif kind in {"export", "end"}:
            if is_open and kind == "export":
                source.report(line.number, _CUT_OFF)
            is_open = kind == "export"
            if is_open and record is not None and record.get("version") != VERSION:
                source.report(line.number, f"is version {record.get('version')!r} of the format; this chatlog reads {VERSION}.")
                return
        else:
            source.report(line.number, f"is not a line of an export, where a session has to begin: {line.data[:40]!r}")
    if is_open:
        source.report(source.last_number, _CUT_OFF)


_CUT_OFF = "the last line of the export is missing: it was cut off, and there may have been more."


def parse_record(data: bytes) -> dict[str, Any] | None:
    """The object on a line of an export, or `None` if there is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # the caller says where and what that means
        return None
    return value if isinstance(value, dict) else None


def _read_session(source: Source, head: Line, record: dict[str, Any]) -> Iterator[Discussion]:
    try:
        session, count = read_session(record)
        check_session(session)
    except InvalidInput as error:
        source.report(head.number, f"the session was left out: {error}")
        _pass_over(source)
        return
    drafts = _check_messages(source, session, count)
    if drafts is not None:
        yield Discussion(session, count, drafts.read, source.path, head.number)


def _check_messages(source: Source, session: Session, count: int) -> KeptDrafts | None:
    """The messages if all are as they should be."""
    first = source.next_line()
    source.put_back(first)
    kept = KeptDrafts(lambda: _reread(source, first, count))
    ids: set[int] = set()  # hashes: of a million messages that is some tens of MB
    while kept.count < count:
        line = source.next_line()
        try:
            draft = read_message(_expect_message(line), sequence=kept.count + 1)
            check_drafts_fit([draft], session_id=session.session_id)
            if hash(draft.message_id) in ids:
                raise InvalidInput("message_id", f"{draft.message_id!r} is another message's of this session already.")
        except InvalidInput as error:
            source.put_back(line)
            number = source.last_number
            source.report(number, f"session {session.session_id!r} was left out, because of message {kept.count + 1}: {error}")
            _pass_over(source)
            return None
        ids.add(hash(draft.message_id))
        kept.add(draft, size=0 if line is None else len(line.data))
    return kept


def _expect_message(line: Line | None) -> dict[str, Any]:
    record = None if line is None else parse_record(line.data)
    if record is None or record.get(MARK) != "message":
        raise InvalidInput("message", "is missing or is not JSON.")
    return record


def _pass_over(source: Source) -> None:
    """Skip the rest of a session."""
    while (line := source.next_line()) is not None:
        record = parse_record(line.data)
        if record is not None and record.get(MARK) != "message":
            source.put_back(line)
            return


def _reread(source: Source, first: Line | None, count: int) -> Iterator[MessageDraft]:
    lines = iter(()) if first is None else read_lines(source.path, start=first.start)
    for number, line in enumerate(islice(lines, count), start=1):
        yield read_message(_expect_message(line), sequence=number)
