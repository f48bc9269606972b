"""All open sockets of this process: how many there may be, and that none outlives the login it was opened with."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.per_loop import PerLoop
from dashboard.sockets import codes

logger = logging.getLogger(__name__)
# A person with fifty tabs is served; somebody who opens sockets in a loop is stopped before the others notice. Together they
# stay below what a process can hold: about 30 kB each, and one file descriptor.
MAX_PER_USER = 50
MAX_TOTAL = 2_000
# A login that ended is noticed within one period and its query, well inside the 5 s that are promised.
CHECK_SECONDS = 3.0
# Unable to check for so long, we no longer vouch for anybody.
MAX_FAILED_CHECKS = 5


@dataclass(eq=False, frozen=True, slots=True)
class OpenSocket:
    """A socket and the login it was opened with. `auth_hash` changes with the person's password."""

    user_id: int
    login_session: str
    auth_hash: str
    close: Callable[[int, str | Promise], Awaitable[None]]


class SocketRegistry:
    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._per_user: Counter[int] = Counter()
        self._checking: asyncio.Task[None] | None = None
        self.is_closing = False

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    def has_room_for(self, user_id: int) -> bool:
        return len(self._sockets) < MAX_TOTAL and self._per_user[user_id] < MAX_PER_USER

    def add(self, socket: OpenSocket) -> None:
        self._sockets.add(socket)
        self._per_user[socket.user_id] += 1
        if self._checking is None:
            self._checking = asyncio.create_task(self._keep_checking())

    def remove(self, socket: OpenSocket) -> None:
        if socket not in self._sockets:
            return
        self._sockets.discard(socket)
        self._per_user[socket.user_id] -= 1
        if not self._per_user[socket.user_id]:
            del self._per_user[socket.user_id]
        if not self._sockets and self._checking is not None:
            self._checking.cancel()
            self._checking = None

    async def close_all(self, code: int, reason: str | Promise) -> None:
        """Close every socket, and let no other in: for the end of the process."""
        self.is_closing = True
        await self._close(tuple(self._sockets), code, reason)

    async def _keep_checking(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check()
                failures = 0
            except DatabaseError:
                failures += 1
                logger.exception("Logins of open sockets could not be checked (%d in a row).", failures)
                if failures >= MAX_FAILED_CHECKS:
                    await self._close(tuple(self._sockets), codes.GOING_DOWN, _("The login could not be checked."))

    async def check(self) -> None:
        """Close the sockets whose person logged out, was deactivated or changed the password."""
        sockets = tuple(self._sockets)
        sessions, hashes = await _read_logins({s.login_session for s in sockets}, {s.user_id for s in sockets})
        ended = [s for s in sockets if s.login_session not in sessions or not _is_same(hashes.get(s.user_id), s.auth_hash)]
        await self._close(ended, codes.LOGGED_OUT, _("The login has ended."))

    async def _close(self, sockets: list[OpenSocket] | tuple[OpenSocket, ...], code: int, reason: str | Promise) -> None:
        for socket in sockets:
            try:
                await socket.close(code, reason)
            except Exception as error:  # servers differ in what they raise for a connection that has just broken
                logger.info("A socket could not be closed (%s: %s).", type(error).__name__, error)


def _is_same(current: str | None, at_opening: str) -> bool:
    return current is not None and constant_time_compare(current, at_opening)


@database_sync_to_async
def _read_logins(login_sessions: set[str], user_ids: set[int]) -> tuple[set[str], dict[int, str]]:
    """Which login sessions are still there, and the present hashes of people who may still log in: two queries for all."""
    stored = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class().objects
    alive = stored.filter(session_key__in=login_sessions, expire_date__gt=timezone.now())
    users = get_user_model().objects.filter(pk__in=user_ids, is_active=True)
    return set(alive.values_list("session_key", flat=True)), {user.pk: user.get_session_auth_hash() for user in users}


current: PerLoop[SocketRegistry] = PerLoop(SocketRegistry)
