"""Bring discussions in: from files, or from wherever else they come.

A session that is being imported is active and tagged `importing`; its status, its tags and its end come together, last. So an
import that was killed is seen, and is completed by importing again: messages that are stored already are not stored twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from chatlog.domain.models import MessageDraft, Session, SessionStatus
from chatlog.errors import ChatlogError, IdempotencyConflict, InvalidInput, StorageError
from chatlog.services.batches import in_batches
from chatlog.services.formats.foreign import is_message
from chatlog.services.formats.jsonl import MARK
from chatlog.services.import_comparing import Contradiction, compare
from chatlog.services.import_files import Discussion, Problem, Source
from chatlog.services.import_foreign import parse_line, read_document, read_json_lines
from chatlog.services.import_own import read_export
from chatlog.storage.base import SessionStore

UNFINISHED_TAG = "importing"
# Sessions that are stored at the same time, so that they share their trips to the disk.
AT_ONCE = 16

Report = Callable[[Problem], None]


class ImportStopped(ChatlogError):
    """A strict import met something that it cannot import. Nothing of that discussion was stored."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class ImportCount:
    """What came of an import.

    Attributes:
        stored: sessions that were stored, or completed.
        there: sessions that were there already, with all that is in the file.
        messages: of the sessions stored.
        contradicted: messages whose ids are stored with another source or content; each session with such is a problem.
    """

    stored: int = 0
    there: int = 0
    messages: int = 0
    contradicted: int = 0


def stop_at_once(problem: Problem) -> None:
    """A `report` for strict imports."""
    raise ImportStopped(problem)


def read_files(paths: Iterable[Path], *, report: Report, on_progress: Callable[[Path, int], None]) -> Iterator[Discussion]:
    """The discussions in these files, one after the other, each checked to its end.

    Args:
        report: called with each thing that is left out; may raise.
        on_progress: called now and then with a file and how many of its bytes have been read.
    """
    for path in paths:
        try:
            source = Source(path, report=report, on_progress=partial(on_progress, path))
            yield from _read_file(source)
            on_progress(path, path.stat().st_size)
        except OSError as error:
            report(Problem(path, 1, f"cannot be read: {error.strerror}."))
        except InvalidInput as error:
            report(Problem(path, 1, str(error)))


def _read_file(source: Source) -> Iterator[Discussion]:
    """By what its first two lines are."""
    first, second = source.next_line(), source.next_line()
    source.put_back(first, second)
    if first is None:
        source.report(1, "is empty.")
        return iter(())
    values = [None if line is None else parse_line(line) for line in (first, second)]
    if any(isinstance(value, dict) and MARK in value for value in values):
        return read_export(source)
    if is_message(values[0]) or (second is not None and isinstance(values[0], dict | list)):
        return read_json_lines(source)
    # A broken first line of several, or the opening of a document that is laid out over many.
    if isinstance(values[1], dict | list) and not first.data.rstrip().endswith((b"[", b"{", b",", b":")):
        return read_json_lines(source)
    return read_document(source)


async def import_discussions(store: SessionStore, discussions: Iterable[Discussion], *, report: Report) -> ImportCount:
    """Store every discussion that is not stored yet; a few at the same time.

    Args:
        report: called with each discussion that cannot be stored. If it raises, no further one is begun.
    Raises:
        ImportStopped: raised by `report`, or by whatever reads the discussions; those that were begun are complete.
        StorageError: import again to go on.
    """
    count, slots = ImportCount(), asyncio.Semaphore(AT_ONCE)
    stopped: list[ImportStopped] = []

    async def store_one(discussion: Discussion) -> None:
        try:
            await _store(store, discussion, count, report)
        except ImportStopped as error:
            stopped.append(error)
        finally:
            slots.release()

    try:
        async with asyncio.TaskGroup() as group:
            try:
                for discussion in discussions:
                    await slots.acquire()
                    if stopped:
                        break
                    group.create_task(store_one(discussion))
            except ImportStopped as error:
                stopped.append(error)
    except* StorageError as errors:
        raise errors.exceptions[0] from None
    if stopped:
        raise stopped[0]
    return count


async def _store(store: SessionStore, discussion: Discussion, count: ImportCount, report: Report) -> None:
    session = discussion.session
    try:
        stored = await store.create_session(replace(session, status=SessionStatus.ACTIVE, tags=(UNFINISHED_TAG,)))
        if UNFINISHED_TAG in stored.tags:
            await _append(store, discussion, stored)
            await store.update_session(session.session_id, status=session.status, tags=session.tags)
            count.stored += 1
            count.messages += discussion.count
        else:
            await _check_is_whole(store, discussion, stored)
            count.there += 1
    except StorageError:
        raise
    except Contradiction as error:
        count.contradicted += len(error.message_ids)
        report(discussion.problem(f"was not imported: {error}"))
    except ChatlogError as error:
        report(discussion.problem(f"was not imported: {error}"))


async def _check_is_whole(store: SessionStore, discussion: Discussion, stored: Session) -> None:
    """A session that is there and was not left by an import is somebody's: nothing is added to it."""
    missing = await _count_missing(store, stored.session_id, discussion.read_drafts())
    if missing:
        there = discussion.count - missing
        raise InvalidInput(
            "session_id",
            f"session {stored.session_id!r} is there already, with {there} of these {discussion.count} messages, and was not "
            "left by an import. Delete it first to import it.",
        )


async def _count_missing(store: SessionStore, session_id: str, drafts: Iterable[MessageDraft]) -> int:
    """How many of these messages are not stored. Raises `Contradiction`."""
    compared = await compare(store, session_id, drafts)
    if compared.contradicted:
        raise Contradiction(session_id, compared.contradicted)
    return compared.missing


async def _append(store: SessionStore, discussion: Discussion, stored: Session) -> None:
    done = await _find_done(store, discussion, stored)
    if done:  # what another version of the file began is not completed by this one
        await _count_missing(store, stored.session_id, islice(discussion.read_drafts(), done))
    last = done
    for batch in in_batches(islice(discussion.read_drafts(), done, None)):
        try:
            last = (await store.append_messages(stored.session_id, batch))[-1].sequence
        except IdempotencyConflict as error:
            raise Contradiction(stored.session_id, [error.message_id]) from error
    if last != discussion.count:
        raise InvalidInput(
            "messages", f"session {stored.session_id!r} has others' messages among its own. Delete it, then import."
        )


async def _find_done(store: SessionStore, discussion: Discussion, stored: Session) -> int:
    """How many messages need not be sent again, when an import goes on in a long session."""
    if stored.message_count == 0:
        return 0
    last = await store.get_last_sequence(stored.session_id)
    there = await store.list_messages(stored.session_id, after=last - 1, limit=1)
    ours = next(islice(discussion.read_drafts(), last - 1, None), None)
    return last if there and ours is not None and there[0].message_id == ours.message_id else 0
