"""`list`: the newest discussions, with what to call them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import pairwise
from os.path import commonprefix

from chatlog.domain.clock import utc_now
from chatlog.domain.hidden import show_in_one_line
from chatlog.domain.limits import check_limit
from chatlog.domain.models import Session, SessionState
from chatlog.services.describing import describe_session
from chatlog.services.formats.plain import title_of
from chatlog.storage.base import SessionReader
from chatlog.terminal.cells import cut, pad, width_of
from chatlog.terminal.filtering import add_filter_argument, read_filter
from chatlog.terminal.screen import DIM, Screen
from chatlog.terminal.telling import STATE_STYLES, as_json_line
from chatlog.terminal.zone import local_zone

HELP = "List the newest discussions."
_STATE_CELLS = max(map(len, SessionState))
_FEWEST_ID_CHARACTERS = len("session_20261123_143022")
_SHORT_ID_CHARACTERS = 32


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes besides a store and colours."""
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="so many at most (20)")
    add_filter_argument(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object for each, as in the HTTP API")


async def list_sessions(store: SessionReader, screen: Screen, options: Namespace) -> None:
    """Write them to the screen, the newest first. Raises `Ending`, `InvalidInput`, `StorageError`."""
    where = read_filter(options.filter)
    sessions = (await store.list_sessions(limit=check_limit(options.limit, field="--limit"), where=where)).items
    if options.json:
        for session in sessions:
            screen.write(as_json_line(describe_session(session)))
    elif sessions:
        _write_table(screen, sessions)
    else:
        screen.note("There are no such discussions." if options.filter else "There are no discussions so far.")
    screen.flush()


def _write_table(screen: Screen, sessions: Sequence[Session]) -> None:
    now, zone = utc_now(), local_zone()
    ids = _shorten([session.session_id for session in sessions]) if screen.is_terminal else [one.session_id for one in sessions]
    widest = max(map(width_of, ids))
    most = max(len(f"{session.message_count:,}") for session in sessions)
    for session, session_id in zip(sessions, ids, strict=True):
        state = session.state(now)
        title = show_in_one_line(title_of(session))
        start = f"{session.created_at.astimezone(zone):%Y-%m-%d %H:%M}"
        count = f"{session.message_count:,}".rjust(most)
        room = screen.width - widest - _STATE_CELLS - len(start) - most - 2 * 4
        shown = cut(title, max(10, room)) if screen.is_terminal else title
        cells = (
            pad(session_id, widest),
            screen.paint(pad(state.value, _STATE_CELLS), STATE_STYLES[state]),
            screen.paint(start, DIM),
            screen.paint(count, DIM),
            shown,
        )
        screen.write("  ".join(cells) + "\n")


def _shorten(ids: Sequence[str]) -> list[str]:
    """Long ones by their beginnings, each as far as is needed to tell it from the others."""
    ordered = sorted(ids)
    sizes = dict.fromkeys(ids, _FEWEST_ID_CHARACTERS)
    for one, next_one in pairwise(ordered):
        size = len(commonprefix([one, next_one])) + 1  # noqa: RUF071  # ids, of which single characters count
        sizes[one], sizes[next_one] = max(sizes[one], size), max(sizes[next_one], size)
    return [show_in_one_line(one if len(one) <= _SHORT_ID_CHARACTERS else one[: sizes[one]]) for one in ids]
