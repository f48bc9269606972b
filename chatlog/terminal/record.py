"""`record`: what a program says, line by line, as a discussion."""

from __future__ import annotations

import shlex
import shutil
import sys
from argparse import ArgumentParser, Namespace
from asyncio import CancelledError, timeout
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chatlog.domain.limits import MAX_TASK_CHARACTERS
from chatlog.domain.models import MessageDraft, MessageKind, SessionStatus, check_source
from chatlog.errors import InvalidText
from chatlog.recorder import Recorder
from chatlog.services.persisting import persist
from chatlog.storage.base import SessionWriter
from chatlog.terminal.child import Child
from chatlog.terminal.drafting import read_json, read_named, read_plain
from chatlog.terminal.endings import DONE, IMPOSSIBLE, LEFT_OUT, Ending
from chatlog.terminal.intake import Intake
from chatlog.terminal.lines import LineReader, typed_lines
from chatlog.terminal.screen import DIM, GREEN, RED, Screen

HELP = "Record what a program says: each line that comes in is a remark, stored before the next one is read."
INPUT_SOURCE = "input"
# Agents that are stopped together with us have last words.
LAST_WORDS_SECONDS = 2.0


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes besides a store."""
    parser.add_argument("--task", help="what is discussed; begins a discussion")
    parser.add_argument("--session", metavar="ID", help="continue this discussion; with --task, its id")
    parser.add_argument("--title", help="a short name for lists")
    parser.add_argument(
        "--tag", action="append", default=[], dest="tags", metavar="TAG", help="a word to find it by; repeatable"
    )
    parser.add_argument("--source", metavar="NAME", help=f"who speaks (“{INPUT_SOURCE}”, or the command's name)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--names", action="store_true", help="“name: text” is a remark by that name")
    form.add_argument("--json", action="store_true", help="each line is a JSON object: source, content, kind, message_id …")
    parser.add_argument("--tee", action="store_true", help="pass on to the standard output what has been stored")
    parser.add_argument("--quiet", action="store_true", help="say only what goes wrong")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND ARG", help="run this, and record what it writes")


def check(options: Namespace) -> None:
    """Raise `Ending` for what cannot be, before anything is begun."""
    if not (options.task or options.session or options.command):
        raise Ending("Say with --task what is discussed, or with --session which discussion goes on.", status=IMPOSSIBLE)
    if options.session and not options.task and (options.title or options.tags):
        raise Ending("--title and --tag are for a discussion that --task begins.", status=IMPOSSIBLE)
    try:
        check_source(_source(options), field="--source")
    except InvalidText as error:
        raise Ending(str(error), status=IMPOSSIBLE) from error
    if options.command and shutil.which(options.command[0]) is None:
        raise Ending(f"There is no program {options.command[0]!r} to run.", status=IMPOSSIBLE)


async def record(store: SessionWriter, screen: Screen, options: Namespace) -> None:
    """Store what comes in until it ends. Raises `Ending`, and what a `Recorder` raises."""
    say = _be_quiet if options.quiet else screen.note
    begins = bool(options.task or not options.session)
    async with _make_recorder(store, options) as recorder:
        say(f"Recording {recorder.session_id}", DIM)
        intake = _make_intake(recorder, screen, options)
        if options.command:
            status = await _record_command(intake, options)
        else:
            status = DONE
            await _record_input(intake, say)
        outcome = SessionStatus.FAILED if status else SessionStatus.COMPLETED
        if begins:
            await persist(lambda: recorder.end(outcome), tell=screen.note)
        count = f"{intake.stored:,} {'remark' if intake.stored == 1 else 'remarks'}"
        say(f"Stored {count}; {outcome}." if begins else f"Stored {count}.", RED if status else GREEN)
    if status:
        raise Ending("", status=status)
    if intake.left_out:
        raise Ending(f"Left out, and named above: {intake.left_out:,}.", status=LEFT_OUT)


async def _record_input(intake: Intake, say: Callable[..., None]) -> None:
    if sys.stdin.isatty():
        say("Each line is a remark. Ctrl-D ends the discussion.", DIM)
        with typed_lines(sys.stdin.fileno()) as lines:
            await intake.take_all(lines)
    else:
        await _take_all(intake, LineReader(sys.stdin.fileno()))


async def _record_command(intake: Intake, options: Namespace) -> int:
    """Run the command to its end, and return the exit status that a shell would."""
    async with Child(options.command) as child:
        await _take_all(intake, LineReader(child.output))
        status, words = await child.end()
    if status:
        remark = MessageDraft(source=_source(options), content=f"The program ended: {words}.", kind=MessageKind.ERROR)
        await intake.store(remark)
    return status


async def _take_all(intake: Intake, lines: LineReader) -> None:
    """Store what agents write, and when this is stopped what they still say then."""
    try:
        await intake.take_all(lines)
    except CancelledError:  # nothing else: what comes out of the middle of reading has lost some, and nothing may follow that
        with suppress(TimeoutError):
            async with timeout(LAST_WORDS_SECONDS):
                await intake.take_all(lines)
        raise


def _make_recorder(store: SessionWriter, options: Namespace) -> Recorder:
    task = options.task or (None if options.session else shlex.join(options.command)[:MAX_TASK_CHARACTERS])
    return Recorder(store, task=task, session_id=options.session, title=options.title, tags=options.tags)


def _make_intake(recorder: Recorder, screen: Screen, options: Namespace) -> Intake:
    make_read = read_json if options.json else read_named if options.names else read_plain
    pass_on = sys.stdout.buffer if options.tee else None
    return Intake(recorder, read=make_read(_source(options)), tell=screen.note, pass_on=pass_on)


def _source(options: Namespace) -> str:
    return str(options.source or (Path(options.command[0]).name if options.command else INPUT_SOURCE))


def _be_quiet(text: str, *styles: str) -> None:
    """Say nothing."""
