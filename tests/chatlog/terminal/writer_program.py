"""Agents in a process of their own: python -m tests.chatlog.terminal.writer_program STORE SESSION COUNT BATCH"""

from __future__ import annotations

import asyncio
import sys

import chatlog
from chatlog import MessageDraft


async def write(location: str, session_id: str, count: int, batch: int) -> None:
    async with (
        chatlog.open_store(location) as store,
        chatlog.Recorder(store, task="A burst", session_id=session_id) as recorder,
    ):
        for start in range(1, count + 1, batch):
            numbers = range(start, min(count + 1, start + batch))
            await recorder.save_many([MessageDraft(source=f"agent {n % 5}", content=f"Remark {n}: 空間") for n in numbers])


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
