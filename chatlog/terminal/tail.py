"""`tail [SESSION]`: what is said, while it is said."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import aclosing

from chatlog.domain.limits import check_sequence
from chatlog.domain.models import SessionState
from chatlog.services.following import Begun, Ended, Event, Events, Said, Trouble, find_start, follow_session
from chatlog.services.following_all import follow_all
from chatlog.storage.base import SessionReader
from chatlog.terminal import naming
from chatlog.terminal.endings import IMPOSSIBLE, Ending
from chatlog.terminal.screen import DIM, GREEN, YELLOW, Screen
from chatlog.terminal.telling import STATE_STYLES, JsonTeller, Teller, short_title

HELP = "Follow a discussion until it ends, or all that go on until Ctrl-C."
LAST_OF_ONE = 20


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes besides a store and colours."""
    parser.add_argument("session", nargs="?", metavar="SESSION", help=f"{naming.HELP}; without it, all that go on")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--last", type=int, metavar="N", help=f"begin N messages before the end ({LAST_OF_ONE}; 0 of all)")
    start.add_argument("--after", type=int, metavar="N", help="begin after message number N")
    start.add_argument("--all", action="store_const", const=0, dest="after", help="begin with the first message")
    parser.add_argument("--no-follow", action="store_true", help="stop after what was said so far")
    parser.add_argument("--json", action="store_true", help="a JSON object for each message, as in the HTTP API")
    parser.add_argument("--full", action="store_true", help="show tool calls and their results whole, not in one line")


async def tail(store: SessionReader, screen: Screen, options: Namespace) -> None:
    """Write messages to the screen as they come. Raises `Ending`, and what `follow_session` raises."""
    for name in ("last", "after"):
        if getattr(options, name) is not None:
            check_sequence(getattr(options, name), field=f"--{name}")
    teller = JsonTeller(screen) if options.json else Teller(screen, names_sessions=not options.session, is_full=options.full)
    with screen.watched_reader():
        async with aclosing(await _follow(store, screen, options)) as events:
            async for event in events:
                _show(event, screen, teller)


async def _follow(store: SessionReader, screen: Screen, options: Namespace) -> Events:
    if options.session:
        session = await naming.get_named(store, options.session)
        after = options.after
        if after is None:
            last = LAST_OF_ONE if options.last is None else options.last
            after = await find_start(store, session.session_id, last=last)
        return follow_session(store, session.session_id, after=after, until_quiet=options.no_follow)
    if options.after is not None:
        raise Ending("--after and --all count the messages of one discussion. Name it, or say --last.", status=IMPOSSIBLE)
    if not options.no_follow:
        screen.note("Following every discussion that goes on. Ctrl-C ends this.", DIM)
    return follow_all(store, last=options.last or 0, until_quiet=options.no_follow)


def _show(event: Event, screen: Screen, teller: Teller | JsonTeller) -> None:
    match event:
        case Begun(session):
            teller.introduce(session)
        case Said(session, message):
            teller.tell(session, message)
            screen.flush()
        case Ended(session, None):
            teller.forget(session)
            screen.note(f"{short_title(session)}: deleted", YELLOW)
        case Ended(session, status):
            teller.forget(session)
            screen.note(f"{short_title(session)}: {status}", STATE_STYLES[SessionState(str(status))])
        case Trouble(""):
            screen.note("The store answers again.", GREEN)
        case Trouble(reason):
            screen.note(f"Still trying: {reason}", YELLOW)
