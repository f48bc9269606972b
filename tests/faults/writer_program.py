"""An agent that is killed a lot: it logs what it tried and what was acknowledged, and after a kill resumes from its log.

Usage: python -m tests.faults.writer_program STORE SESSION NAME LOG REMARKS
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import chatlog


async def write(location: str, session_id: str, name: str, log_path: Path, remarks: int) -> None:
    tried, acknowledged = read_log(log_path)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with chatlog.open_store(location) as store, chatlog.Recorder(store, session_id=session_id) as session:
        # The outcome of what was tried last is unknown: it is sent again with its id.
        number = len(acknowledged)
        while number < remarks:
            if number >= tried:
                os.write(log, f"try {number}\n".encode())
            message = await session.save(source=name, content=f"{name} {number}", message_id=f"{name}-{number}")
            os.write(log, f"ack {number} {message.sequence}\n".encode())
            number += 1


def read_log(path: Path) -> tuple[int, dict[int, int]]:
    """How many remarks were tried, and the sequence each acknowledged one got."""
    tried, acknowledged = 0, {}
    for line in path.read_text().splitlines() if path.exists() else []:
        match line.split():
            case ["try", number]:
                tried = int(number) + 1
            case ["ack", number, sequence]:
                acknowledged[int(number)] = int(sequence)
    return tried, acknowledged


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])))
