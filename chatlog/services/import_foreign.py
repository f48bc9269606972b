"""Reading what other programs wrote. A message that cannot be one is left out and named; the rest is imported.

A discussion's id is made of its bytes, so that the same file is the same session wherever it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chatlog.domain.models import MessageDraft, Session
from chatlog.errors import InvalidInput
from chatlog.services.formats.foreign import ForeignMessages, find_messages, is_message, make_session, parse_json
from chatlog.services.import_files import (
    MAX_DOCUMENT_BYTES,
    SPLIT_ADVICE,
    Discussion,
    KeptDrafts,
    Line,
    Source,
    check_session,
    read_lines,
)
from chatlog.storage.documents import check_drafts_fit


class _Record(NamedTuple):
    """What may be a message: its number among the others, its line and size in the file."""

    number: int
    line: int
    size: int
    value: Any


def read_document(source: Source) -> Iterator[Discussion]:
    """The discussions of a file that is one JSON document: a discussion or a list of them."""
    size = source.path.stat().st_size
    if size > MAX_DOCUMENT_BYTES:
        source.report(1, f"is one JSON document of {size >> 20} MB; the limit is {MAX_DOCUMENT_BYTES >> 20} MB. {SPLIT_ADVICE}")
        return
    data = source.path.read_bytes()
    try:
        value = parse_json(data.decode("utf-8-sig"))
    except ValueError as error:
        source.report(getattr(error, "lineno", 1), f"is neither JSON nor JSON lines: {error}")
        return
    if isinstance(value, list) and value and all(find_messages(entry) for entry in value):
        for number, entry in enumerate(value, start=1):
            yield from _read_value(source, entry, 1, identity=data + str(number).encode())
    else:
        yield from _read_value(source, value, 1, identity=data)


def read_json_lines(source: Source) -> Iterator[Discussion]:
    """The discussions of a file with a message or a discussion on each line."""
    first = source.next_line()
    source.put_back(first)
    if first is not None and is_message(parse_line(first)):
        yield from _read_messages(source)
        return
    while (line := source.next_line()) is not None:
        yield from _read_value(source, parse_line(line), line.number, identity=line.data.strip())


def _read_value(source: Source, value: Any, line: int, *, identity: bytes) -> Iterator[Discussion]:
    found = find_messages(value)
    if isinstance(value, str):
        source.report(line, "is not JSON.")
    elif found is None or not found[0]:
        source.report(line, "has no list of messages, neither as a whole nor in one of its fields.")
    else:
        records = [_Record(number, line, 0, entry) for number, entry in enumerate(found[0], start=1)]
        yield from _build(source, found[1], hashlib.sha256(identity).hexdigest(), lambda: iter(records))


def _read_messages(source: Source) -> Iterator[Discussion]:
    """The whole file as one discussion. Its id is known only at the end: it is made of all its lines."""
    digest = hashlib.sha256()
    while (line := source.next_line()) is not None:
        digest.update(line.data.strip() + b"\n")
    yield from _build(source, {}, digest.hexdigest(), lambda: _records_of(source))


def _records_of(source: Source) -> Iterator[_Record]:
    return (_Record(line.number, line.number, len(line.data), parse_line(line)) for line in read_lines(source.path))


def _build(
    source: Source, beside: dict[str, Any], digest: str, read_records: Callable[[], Iterator[_Record]]
) -> Iterator[Discussion]:
    """The discussion of those messages, with what stood beside them."""
    first = next(read_records())
    try:
        session = check_session(_make_session(source, beside, digest, first.value))
    except InvalidInput as error:
        source.report(first.line, f"the discussion was left out: {error}")
        return
    kept = KeptDrafts(lambda: (draft for draft, _ in _read_drafts(session, read_records(), report=_say_nothing)))
    for draft, size in _read_drafts(session, read_records(), report=source.report):
        kept.add(draft, size=size)
    if kept.count:
        yield Discussion(session, kept.count, kept.read, source.path, first.line)
    else:
        source.report(first.line, "none of its messages could be imported.")


def _read_drafts(
    session: Session, records: Iterator[_Record], *, report: Callable[[int, str], None]
) -> Iterator[tuple[MessageDraft, int]]:
    messages = ForeignMessages(began_at=session.created_at)
    for record in records:
        try:
            draft = messages.read(record.value, number=record.number)
            check_drafts_fit([draft], session_id=session.session_id)
        except InvalidInput as error:
            report(record.line, f"message {record.number} was left out: {error}")
        else:
            yield draft, record.size


def _say_nothing(line: int, reason: str) -> None:
    """It was reported when it was checked."""


def _make_session(source: Source, beside: dict[str, Any], digest: str, first: Any) -> Session:
    return make_session(
        f"import_{digest[:32]}",
        beside,
        first=first if isinstance(first, dict) else {},
        name=source.path.stem,
        modified_at=datetime.fromtimestamp(source.path.stat().st_mtime, UTC),
    )


def parse_line(line: Line) -> Any:
    """What is on a line; text that is not JSON stands for itself and is no message."""
    try:
        return parse_json(line.data)
    except ValueError:
        return line.data.decode(errors="replace")
