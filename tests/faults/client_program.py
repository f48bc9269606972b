"""An agent that records over HTTP until its standard input ends; it logs what was acknowledged, and with which number.

Usage: python -m tests.faults.client_program ADDRESS SESSION NAME FOLDER, with the token in CHATLOG_TOKEN
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import chatlog
from chatlog.client import QueueLimits, RemoteStore

PATIENCE = QueueLimits(closing_seconds=120)
PAUSE_SECONDS = 0.01  # an agent thinks before it speaks


async def talk(address: str, session_id: str, name: str, folder: Path) -> None:
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    store = RemoteStore(address, token=os.environ["CHATLOG_TOKEN"], folder=folder, limits=PATIENCE)
    with (folder / f"{name}.log").open("w", buffering=1) as log:
        async with store, chatlog.Recorder(store, task="faults", session_id=session_id) as session:
            number = 0
            while not over.done():
                message = await session.save(source=name, content=f"{name} {number}", message_id=f"{name}-{number}")
                log.write(f"{number} {message.sequence}\n")
                number += 1
                await asyncio.sleep(PAUSE_SECONDS)


def read_log(folder: Path, name: str) -> dict[int, int]:
    """The sequence that each acknowledged remark was given, 0 for those that had to wait."""
    lines = (folder / f"{name}.log").read_text().splitlines()
    return {int(number): int(sequence) for number, sequence in (line.split() for line in lines)}


if __name__ == "__main__":
    asyncio.run(talk(*sys.argv[1:4], Path(sys.argv[4])))
