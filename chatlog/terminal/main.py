"""The program `chatlog`: record, follow, list and take along discussions, and send what waits."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from chatlog.services.formats.writers import make_writer
from chatlog.storage.opening import is_site
from chatlog.terminal import export, listing, record, send, tail
from chatlog.terminal.opening import add_site_argument, add_store_argument, open_from, open_site
from chatlog.terminal.running import SayingHandler, run_to_the_end, run_with_store
from chatlog.terminal.screen import Screen, add_colour_arguments
from chatlog.terminal.zone import local_zone

if TYPE_CHECKING:
    from chatlog.client import RemoteStore
    from chatlog.storage.base import SessionStore

DESCRIPTION = "Record what agents say, follow it, and take it along. Where it is stored: --store, or the environment."


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Returns its exit status; `chatlog.terminal.endings` says what each means."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=_level(options), handlers=[SayingHandler()])
    return run_to_the_end(lambda: options.run(options))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="chatlog", description=DESCRIPTION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str,
        text: str,
        run: Callable[[Namespace], None],
        *,
        add_store: Callable[[ArgumentParser], None] = add_store_argument,
    ) -> ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        add_store(command)
        return command

    record.add_arguments(add("record", record.HELP, _record))
    for name, text, run, add_arguments in (
        ("tail", tail.HELP, _tail, tail.add_arguments),
        ("list", listing.HELP, _list, listing.add_arguments),
    ):
        command = add(name, text, run)
        add_arguments(command)
        add_colour_arguments(command)
    export.add_arguments(add("export", export.HELP, _export))
    add("send", send.HELP, _send, add_store=add_site_argument)
    return parser


def _level(options: Namespace) -> int:
    """What the library logs below an error is about a site that is away: commands that do not record say so themselves."""
    return logging.WARNING if options.run is _record or not is_site(options.store or "") else logging.ERROR


def _tail(options: Namespace) -> None:
    screen = _screen(options)
    _run(options, lambda store: tail.tail(store, screen, options))


def _list(options: Namespace) -> None:
    screen = _screen(options)
    _run(options, lambda store: listing.list_sessions(store, screen, options))


def _export(options: Namespace) -> None:
    writer = make_writer(options.format, zone=local_zone())
    _run(options, lambda store: export.export(store, options, writer=writer))


def _record(options: Namespace) -> None:
    record.check(options)
    screen = Screen()
    _run(options, lambda store: record.record(store, screen, options), begins=True)


def _send(options: Namespace) -> None:
    screen = Screen()
    run_with_store(lambda store: send.send(store, screen), open_=partial(open_site, options.store, closing_seconds=0))


def _run(
    options: Namespace, work: Callable[[SessionStore | RemoteStore], Coroutine[Any, Any, None]], *, begins: bool = False
) -> None:
    run_with_store(work, open_=partial(open_from, options.store, begins=begins))


def _screen(options: Namespace) -> Screen:
    return Screen(no_color=options.no_color, force_color=options.force_color)
