"""Handing one ready frame to many viewers: the only loop whose length is the number of people watching."""

from __future__ import annotations

import logging
from asyncio import timeout
from collections.abc import Callable, Iterable

from dashboard.feeds.viewer import Frame, Viewer

logger = logging.getLogger(__name__)
# daphne's send never waits. A server that does wait for a full connection may hold up the others for this long, once.
SLOW_SEND_SECONDS = 0.5


async def fan_out(frame: Frame, viewers: Iterable[Viewer], *, without_room: Callable[[Viewer], None]) -> list[Viewer]:
    """Send to every viewer that has room, tell of those without, and return those whose connection is broken."""
    waiting = list(viewers)
    broken: list[Viewer] = []
    while waiting:
        viewer = waiting[-1]
        try:
            async with timeout(SLOW_SEND_SECONDS):
                while waiting:
                    viewer = waiting.pop()
                    if viewer.has_room(frame.size):
                        viewer.note_sent(frame)
                        await viewer.send(frame.message)
                    else:
                        without_room(viewer)
        except Exception as error:  # servers differ in what they raise; one broken connection must not cost the others theirs
            logger.info("A live connection did not take a frame (%s: %s).", type(error).__name__, error)
            broken.append(viewer)
    return broken
