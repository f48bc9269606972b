"""`send`: what waits on this machine for a site that was away, when no program is left that would send it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chatlog.errors import StorageError
from chatlog.terminal.endings import IMPOSSIBLE, LEFT_OUT, Ending
from chatlog.terminal.screen import DIM, GREEN, Screen

if TYPE_CHECKING:
    from chatlog.client import RemoteStore

HELP = "Send what was recorded while a site was away and still waits in CHATLOG_DATA_DIR."
TELL_SECONDS = 2.0
MOST_NAMED = 20


async def send(store: RemoteStore, screen: Screen) -> None:
    """Send it, and return when nothing waits any more. Raises `Ending`, `StorageError`."""
    try:
        await store.ping()  # or a site that is away would be waited for
        await _send_and_tell(store, screen)
    except StorageError as error:
        left = (await store.get_backlog()).waiting
        raise Ending(f"{error} {left:,} remarks and changes wait in {store.queue}.", status=IMPOSSIBLE) from error
    screen.note(f"Nothing waits in {store.queue} any more.", GREEN)
    await _name_refused(store, screen)


async def _send_and_tell(store: RemoteStore, screen: Screen) -> None:
    sending = asyncio.create_task(store.send_waiting())
    try:
        while not (await asyncio.wait([sending], timeout=TELL_SECONDS))[0]:
            screen.note(f"{(await store.get_backlog()).waiting:,} wait still.", DIM)
        await sending
    finally:
        sending.cancel()


async def _name_refused(store: RemoteStore, screen: Screen) -> None:
    """Raises `Ending` if there is any, also of another day: it takes room in the queue until somebody has decided about it."""
    number = (await store.get_backlog()).refused
    if not number:
        return
    for entry in await store.list_refused(limit=MOST_NAMED):
        what = " ".join([entry.kind, entry.content.get("message_id", "")]).strip()
        screen.note(f"Refused: {what} of session {entry.session_id}, {entry.refused_at:%Y-%m-%d %H:%M} UTC: {entry.reason}")
    raise Ending(f"Refused by the site, and set aside in {store.queue}: {number:,}.", status=LEFT_OUT)
