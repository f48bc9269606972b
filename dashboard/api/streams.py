"""All open event streams of this process: how many there may be, and that none outlives its token or a reader that is stuck."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from channels.db import database_sync_to_async
from django.db import DatabaseError

from dashboard.per_loop import PerLoop
from dashboard.programs.tokens import find_grants

logger = logging.getLogger(__name__)
# A team's programs are served; one that opens streams in a loop is stopped before the others notice.
MAX_PER_TOKEN = 500
MAX_TOTAL = 2_000
# A token that was revoked is noticed within one period and its query, well inside the 5 s that are promised.
CHECK_SECONDS = 2.0
STUCK_SECONDS = 30.0
# So that proxies do not take silence for the end, and a connection that is gone is noticed. One clock for all streams, that of
# the checks: a time limit of each reader's own would be set and taken back with every message.
SILENCE_SECONDS = 15.0
# Unable to check for so long, we no longer vouch for anybody.
MAX_FAILED_CHECKS = 5

_find_grants = database_sync_to_async(find_grants)


class Stream:
    """One reader.

    Attributes:
        wake: set whenever there may be something to send, or `reason`.
        reason: why it has to end; empty while it has not.
    """

    def __init__(self, *, token_id: int, token_hash: str) -> None:
        self.token_id = token_id
        self.token_hash = token_hash
        self.wake = asyncio.Event()
        self.reason = ""
        self._task = asyncio.current_task()
        self._is_sending = False
        self._since = time.monotonic()

    def begin_sending(self) -> None:
        """A piece is handed on, which takes as long as the reader does."""
        self._is_sending, self._since = True, time.monotonic()

    def end_sending(self) -> None:
        self._is_sending = False

    def is_stuck(self, seconds: float) -> bool:
        return self._is_sending and time.monotonic() - self._since > seconds

    @property
    def is_silent(self) -> bool:
        """Whether it was sent nothing for so long that it should be told that we are still there."""
        return not self._is_sending and time.monotonic() - self._since > SILENCE_SECONDS

    def end(self, reason: str) -> None:
        """Let it say why and end; one whose reader does not read is cut off."""
        self.reason = self.reason or reason
        self.wake.set()
        if self.is_stuck(CHECK_SECONDS / 2) and self._task is not None:
            self._task.cancel()


class StreamRegistry:
    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._per_token: Counter[int] = Counter()
        self._checking: asyncio.Task[None] | None = None
        self.is_closing = False

    def has_room_for(self, token_id: int) -> bool:
        return len(self._streams) < MAX_TOTAL and self._per_token[token_id] < MAX_PER_TOKEN

    @contextmanager
    def opened(self, *, token_id: int, token_hash: str) -> Iterator[Stream]:
        stream = Stream(token_id=token_id, token_hash=token_hash)
        self._streams.add(stream)
        self._per_token[token_id] += 1
        if self._checking is None:
            self._checking = asyncio.create_task(self._keep_checking())
        try:
            yield stream
        finally:
            self._remove(stream)

    def _remove(self, stream: Stream) -> None:
        self._streams.discard(stream)
        self._per_token[stream.token_id] -= 1
        if not self._per_token[stream.token_id]:
            del self._per_token[stream.token_id]
        if not self._streams and self._checking is not None:
            self._checking.cancel()
            self._checking = None

    def close_all(self) -> None:
        """End every stream, and let no other begin: for the end of the process."""
        self.is_closing = True
        self._end(self._streams, "the server stops")

    async def _keep_checking(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._end([stream for stream in self._streams if stream.is_stuck(STUCK_SECONDS)], "not read")
            self._break_silence()
            try:
                await self.check()
                failures = 0
            except DatabaseError:
                failures += 1
                logger.exception("Tokens of open streams could not be checked (%d in a row).", failures)
                if failures >= MAX_FAILED_CHECKS:
                    self._end(self._streams, "the token could not be checked")

    def _break_silence(self) -> None:
        for stream in self._streams:
            if stream.is_silent:
                stream.wake.set()

    async def check(self) -> None:
        """End the streams whose token was revoked, is over, or may not read: one query for all."""
        grants = await _find_grants(sorted({stream.token_hash for stream in self._streams}))
        readers = {token_hash for token_hash, grant in grants.items() if grant.may_read}
        self._end([stream for stream in self._streams if stream.token_hash not in readers], "revoked")

    def _end(self, streams: list[Stream] | set[Stream], reason: str) -> None:
        for stream in tuple(streams):
            with suppress(RuntimeError):  # its event loop is gone, and it with it
                stream.end(reason)


current: PerLoop[StreamRegistry] = PerLoop(StreamRegistry)
