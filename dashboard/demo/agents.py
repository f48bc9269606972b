"""Agents that talk for as long as they are let: python -m dashboard.demo.agents

They only use the `chatlog` library, as anybody's agents would. They write to the embedded file in CHATLOG_DATA_DIR, also
where COSMOSDB_ENDPOINT names an account: sample discussions have no place among somebody's own.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import itertools
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import chatlog
from chatlog import ChatlogError, SessionStatus, SessionStore, StorageError
from chatlog.config import StoreSettings
from chatlog.domain.filters import SessionFilter
from chatlog.domain.models import SessionState, draft_session
from dashboard.demo.discussing import discuss
from dashboard.demo.saying import until_stored
from dashboard.demo.scripts import AGENTS, Script, list_scripts
from dashboard.demo.seeding import seed

logger = logging.getLogger(__name__)
_LIVE_MARK = {"demo": "live"}
_LOOK_AGAIN_SECONDS = 1.0


async def talk(data_dir: Path, *, pace: float) -> None:
    """Discuss in the store of that folder until cancelled."""
    scripts = list_scripts()
    async with chatlog.open_store(StoreSettings(data_dir=data_dir)) as store, _alone_in(data_dir):
        await seed(store, scripts)
        await until_stored(lambda: _close_what_was_left(store))
        for script in itertools.cycle(script for script in scripts if script.status is None):
            await _hold(store, script, pace=pace)


async def _hold(store: SessionStore, script: Script, *, pace: float) -> None:
    """One discussion in a session of its own, which ends as this does."""
    begun = draft_session(task=script.task, title=script.title, tags=script.tags, participants=AGENTS, metadata=_LIVE_MARK)
    await until_stored(lambda: store.create_session(begun))
    session = chatlog.Recorder(store, session_id=begun.session_id)
    try:
        await discuss(session, script, pace=pace)
    except asyncio.CancelledError:
        await _end_at_once(session, SessionStatus.CANCELLED)
        raise
    except BaseException:  # raised again below
        await _end_at_once(session, SessionStatus.FAILED)
        raise
    await until_stored(session.end)


async def _end_at_once(session: chatlog.Recorder, status: SessionStatus) -> None:
    try:
        await session.end(status)
    except StorageError as error:  # somebody waits for this program to go; the next one tidies up
        logger.warning("Session %s could not be marked %s: %s", session.session_id, status, error)


async def _close_what_was_left(store: SessionStore) -> None:
    """Agents that were killed could not say that their discussion is over."""
    active = SessionFilter(states=frozenset({SessionState.RUNNING, SessionState.STALLED}))
    running = await store.list_sessions(limit=1000, where=active)
    for session in running.items:
        if session.metadata == _LIVE_MARK:
            await store.recount_session(session.session_id)
            await store.update_session(session.session_id, status=SessionStatus.CANCELLED)


@asynccontextmanager
async def _alone_in(data_dir: Path) -> AsyncIterator[None]:
    """Wait until no other agents talk there: two discussions at once would take each other's for left over."""
    with _lock_file(data_dir) as file:
        if not _lock(file):
            logger.warning("Other agents talk in %s already; these wait until they stop.", data_dir)
            while not _lock(file):  # noqa: ASYNC110  # held by another process, which no event of this one knows of
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        yield


def _lock_file(data_dir: Path) -> IO[str]:
    data_dir.mkdir(parents=True, exist_ok=True)
    return (data_dir / "demo-agents.lock").open("w")


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def run(data_dir: Path, *, pace: float) -> None:
    """`talk` until SIGTERM or SIGINT."""
    talking = asyncio.create_task(talk(data_dir, pace=pace))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, talking.cancel)
    with suppress(asyncio.CancelledError):
        await talking


def main() -> int:
    """The program. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.demo.agents", description=__doc__)
    parser.add_argument("--pace", type=_positive, default=1.0, help="how many times as fast as people (default 1)")
    pace = parser.parse_args().pace
    logging.basicConfig(level=logging.WARNING, format="agents: %(message)s")
    try:
        asyncio.run(run(StoreSettings.from_env().data_dir, pace=pace))
    except (ChatlogError, OSError) as error:
        logger.error("%s", error)  # noqa: TRY400  # one sentence that says what to do; a traceback would hide it
        return 1
    return 0


def _positive(text: str) -> float:
    if (value := float(text)) <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0.")
    return value


if __name__ == "__main__":
    sys.exit(main())
