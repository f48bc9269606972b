"""One watched session in this process: reads what is new once, renders it once, hands it to everybody who watches.

A viewer is either in step (it has what the feed has, and is handed each new frame) or catching up (it reads from its own
cursor until it stands where the feed stands). It changes from one to the other between two awaits, so that no message can fall
between. Signals only shorten the wait; with none at all, the poll finds everything.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable

from django.utils.translation import gettext as _

from chatlog.domain.counters import counters
from chatlog.domain.models import Message
from chatlog.errors import SessionNotFound, StorageError
from chatlog.services import pausing
from chatlog.storage.base import SessionStore
from dashboard import fragments
from dashboard.feeds.fan_out import fan_out
from dashboard.feeds.history import History, HistoryGone
from dashboard.feeds.pages import PAGE_MESSAGES, READ_SECONDS, Rows, cut_frames, read_rows
from dashboard.feeds.session_state import SessionState
from dashboard.feeds.viewer import Frame, Viewer, make_frame
from dashboard.sockets import codes

logger = logging.getLogger(__name__)
STUCK_SECONDS = 30.0
_NOT_STARTED = -1


class SessionFeed:
    def __init__(self, session_id: str, *, store: SessionStore) -> None:
        self.session_id = session_id
        self.cursor = _NOT_STARTED
        self._store = store
        self._previous: Message | None = None
        self._in_step: set[Viewer] = set()
        self._catching_up: dict[Viewer, asyncio.Task[None]] = {}
        self._history = History(store, session_id)
        self._state = SessionState(session_id, store=store)
        self._wake = asyncio.Event()
        self._was_woken = True
        self._moved = asyncio.Event()
        self._trouble = ""
        self._failures = 0
        self._task = asyncio.create_task(self._run())

    @property
    def is_watched(self) -> bool:
        return bool(self._in_step or self._catching_up)

    @property
    def is_over(self) -> bool:
        """It has told its viewers to leave, and follows nothing any more."""
        return self._task.done()

    @property
    def unacknowledged(self) -> int:
        """Bytes sent to its viewers that they have not acknowledged."""
        return sum(viewer.unacknowledged for viewer in (*self._in_step, *self._catching_up))

    def wake(self) -> None:
        """Something may have changed."""
        self._wake.set()

    def join(self, viewer: Viewer) -> None:
        self._catching_up[viewer] = asyncio.create_task(self._catch_up(viewer))
        self._wake.set()

    def leave(self, viewer: Viewer) -> None:
        self._in_step.discard(viewer)
        task = self._catching_up.pop(viewer, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def stop(self) -> None:
        tasks = (self._task, *self._catching_up.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- following the store ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._turn()
                await self._clear_trouble()
                await self._wait(self._state.poll_seconds())
            except SessionNotFound as error:
                return await self._dismiss_all(codes.NOT_FOUND, str(error))
            except HistoryGone as error:
                return await self._dismiss_all(codes.RELOAD, _("%(problem)s Reload the page.") % {"problem": error})
            except (StorageError, TimeoutError) as error:
                counters.note_store_error(error)
                await self._pause_for_trouble(str(error) or _("The store does not answer."))
            except Exception:  # one broken message or template must not end the feed without a word to its viewers
                logger.exception("The feed of session %s failed; it tries again.", self.session_id)
                await self._pause_for_trouble(_("Something went wrong on the server while following this discussion."))

    async def _turn(self) -> None:
        self._wake.clear()  # before reading: what is stored from here on wakes us again
        if self.cursor == _NOT_STARTED:
            await self._find_start()
        moved = False
        while (rows := await self._read_on()).html:
            if not moved and not self._was_woken:
                counters.note_signal_healed()
            moved = True
            await self._deliver(rows)
            if len(rows.html) < PAGE_MESSAGES:
                break
        if news := await self._state.refresh(cursor=self.cursor, moved=moved):
            await self._fan_out(news, self._in_step)
        await self._dismiss_those_ahead()

    async def _find_start(self) -> None:
        async with asyncio.timeout(READ_SECONDS):
            session = await self._store.get_session(self.session_id)
            last = await self._store.get_last_sequence(self.session_id)
        fragments.introduce_speakers(session)  # before any row is rendered, as the page does
        self.cursor = last
        self._announce_move()

    async def _read_on(self) -> Rows:
        return await read_rows(self._store, self.session_id, after=self.cursor, previous=self._previous)

    async def _deliver(self, rows: Rows) -> None:
        self._previous = rows.last_message
        for frame in cut_frames(rows, after=self.cursor, up_to=rows.last):
            # Who joins from here on has this frame from the store already; the viewers to serve are those of this moment.
            self.cursor = frame.last
            await self._fan_out(frame, self._in_step)
        self._announce_move()

    async def _fan_out(self, frame: Frame, viewers: Iterable[Viewer]) -> None:
        without_room = self._fall_behind if frame.last else _skip
        for viewer in await fan_out(frame, viewers, without_room=without_room):
            await self._dismiss(viewer, codes.TOO_SLOW, _("This connection takes no more."))

    def _fall_behind(self, viewer: Viewer) -> None:
        if viewer in self._in_step:
            self._in_step.discard(viewer)
            self._catching_up[viewer] = asyncio.create_task(self._catch_up(viewer))

    def _announce_move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
            self._was_woken = True
        except TimeoutError:
            self._was_woken = False  # the poll: also without a hint we look

    # -- catching up --------------------------------------------------------------------------------------------------

    async def _catch_up(self, viewer: Viewer) -> None:
        try:
            while viewer.cursor != self.cursor:
                await self._step(viewer)
        except TimeoutError:
            await self._dismiss(viewer, codes.TOO_SLOW, _("This page did not take what it was sent."))
        except HistoryGone as error:
            await self._dismiss(viewer, codes.RELOAD, _("%(problem)s Reload the page.") % {"problem": error})
        except Exception:  # a task of its own: nobody else would see the error, and the page would wait for ever
            logger.exception("A viewer of session %s could not catch up.", self.session_id)
            await self._dismiss(viewer, codes.GOING_DOWN, _("Something went wrong on the server; trying again."))
        else:
            # No await since the comparison: the viewer stands exactly where the feed stands.
            self._in_step.add(viewer)
            self._catching_up.pop(viewer, None)
            await self._greet(viewer)
        if not self._catching_up:
            self._history.forget()

    async def _step(self, viewer: Viewer) -> None:
        if viewer.cursor > self.cursor:  # the page was made from a later look at the store than ours
            await self._moved.wait()
            return
        try:
            frames = await self._history.list_frames(after=viewer.cursor, up_to=self.cursor)
        except (StorageError, TimeoutError):
            await asyncio.sleep(random.uniform(*pausing.RETRY_SECONDS))  # noqa: S311  # the feed says what is wrong; we only wait
            return
        for frame in frames:
            await viewer.wait_for_room(frame.size, at_most=STUCK_SECONDS)
            viewer.note_sent(frame)
            await viewer.send(frame.message)

    async def _greet(self, viewer: Viewer) -> None:
        """The state may have changed between the making of the page and now."""
        greeting = self._state.greeting
        if greeting is not None and not self._trouble:
            await self._fan_out(greeting, [viewer])

    # -- trouble, and leaving -----------------------------------------------------------------------------------------

    async def _pause_for_trouble(self, text: str) -> None:
        await self._tell_trouble(text)
        self._failures += 1
        await asyncio.sleep(pausing.pause_after(self._failures))

    async def _clear_trouble(self) -> None:
        self._failures = 0
        if self._trouble:
            await self._tell_trouble("")

    async def _tell_trouble(self, text: str) -> None:
        """Again at each failed attempt, for those who came in between."""
        self._trouble = text
        await self._fan_out(make_frame(fragments.trouble_frame(text)), (*self._in_step, *self._catching_up))

    async def _dismiss_those_ahead(self) -> None:
        """A page may know more than this feed does, but not more than the store does."""
        ahead = [viewer for viewer in self._catching_up if viewer.cursor > self.cursor]
        if not ahead:
            return
        async with asyncio.timeout(READ_SECONDS):
            last = await self._store.get_last_sequence(self.session_id)
        if last > self.cursor:
            self._wake.set()
        for viewer in ahead:
            if viewer.cursor > last:
                text = _("The page shows message %(shown)s, the store has %(stored)s. Reload the page.")
                text %= {"shown": viewer.cursor, "stored": last}
                await self._dismiss(viewer, codes.RELOAD, text)

    async def _dismiss_all(self, code: int, text: str) -> None:
        for viewer in (*self._in_step, *self._catching_up):
            await self._dismiss(viewer, code, text)

    async def _dismiss(self, viewer: Viewer, code: int, text: str) -> None:
        self.leave(viewer)
        await viewer.close(code, text)


def _skip(viewer: Viewer) -> None:
    """News of the state may be missed: the next replaces it."""
