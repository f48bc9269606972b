"""Five agents at a table: each is a coroutine that waits for its turn, thinks, speaks, and passes the floor on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import chatlog
from dashboard.demo.saying import until_stored
from dashboard.demo.scripts import AGENTS, Remark, Script


class Floor:
    """Whose turn it is: the number of the remark that comes next."""

    def __init__(self) -> None:
        self._number = 1
        self._changed = asyncio.Condition()

    async def wait_for(self, number: int) -> None:
        """Return when that remark is the next."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._number == number)

    async def pass_on(self) -> None:
        """Let the next remark come."""
        async with self._changed:
            self._number += 1
            self._changed.notify_all()


async def discuss(session: chatlog.Recorder, script: Script, *, pace: float) -> None:
    """Play the script from its first remark to its last, `pace` times as fast as people would."""
    floor = Floor()
    async with asyncio.TaskGroup() as table:
        for name in AGENTS:
            table.create_task(_take_part(name, script.remarks, floor, session, pace=pace), name=name)


async def _take_part(name: str, remarks: Sequence[Remark], floor: Floor, session: chatlog.Recorder, *, pace: float) -> None:
    for number, remark in enumerate(remarks, start=1):
        if remark.source != name:
            continue
        await floor.wait_for(number)
        await asyncio.sleep(remark.pause * random.uniform(0.8, 1.2) / pace)  # noqa: S311  # liveliness, not a secret
        await _speak(remark, f"{session.session_id}-{number:03d}", session)
        await floor.pass_on()


async def _speak(remark: Remark, message_id: str, session: chatlog.Recorder) -> None:
    await until_stored(
        lambda: session.save(source=remark.source, content=remark.content, kind=remark.kind, message_id=message_id)
    )
