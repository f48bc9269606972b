"""An agent that talks over HTTP until it is killed; prints each remark's number once it is acknowledged.

Usage: python -m tests.chatlog.client.talking_program ADDRESS SESSION NAME FOLDER FIRST COUNT, with the token in CHATLOG_TOKEN
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import chatlog
from chatlog.client import RemoteStore


async def talk(address: str, session_id: str, name: str, folder: Path, numbers: range) -> None:
    async with (
        RemoteStore(address, token=os.environ["CHATLOG_TOKEN"], folder=folder) as store,
        chatlog.Recorder(store, task="talk", session_id=session_id) as session,
    ):
        for number in numbers:
            await session.save(source=name, content=f"{name} {number}", message_id=f"{name}-{number}")
            print(number, flush=True)


if __name__ == "__main__":
    address, session_id, name, folder, first, count = sys.argv[1:]
    asyncio.run(talk(address, session_id, name, Path(folder), range(int(first), int(first) + int(count))))
