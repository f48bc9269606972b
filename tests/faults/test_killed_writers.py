"""Writers are killed in mid-save, over and over. What was acknowledged is there, once, in its place."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

import chatlog
from tests.factories import make_session
from tests.faults.writer_program import read_log

PROCESSES = 8
ENOUGH = 1_000_000  # more than a writer says before its last kill


class Agent:
    """One writer process and its log; started anew with the same log after each kill."""

    def __init__(self, *, location: str, session_id: str, name: str, folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self._command = [sys.executable, "-m", "tests.faults.writer_program", location, session_id, name, str(self.log)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, remarks: int = ENOUGH) -> None:
        self.process = subprocess.Popen([*self._command, str(remarks)])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def has_said_more_than(self, acknowledged: int) -> bool:
        return len(read_log(self.log)[1]) > acknowledged


def kill_at_random(agents: list[Agent], kills: int, rng: random.Random) -> None:
    """Kill a random agent that is at work, start it again, until there were enough kills."""
    said = {agent.name: 0 for agent in agents}
    deadline = time.monotonic() + 600
    while kills and time.monotonic() < deadline:
        agent = rng.choice(agents)
        assert agent.process is not None
        assert agent.process.poll() is None, f"{agent.name} ended by itself with {agent.process.returncode}"
        if agent.has_said_more_than(said[agent.name]):  # only a kill in mid-work counts
            time.sleep(rng.uniform(0, 0.01))
            agent.kill()
            said[agent.name] = len(read_log(agent.log)[1])
            agent.start()
            kills -= 1
        else:
            time.sleep(0.005)
    assert kills == 0, "the writers were too slow to be killed that often"


def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    soak = request.config.getoption("--soak")
    seed = random.randrange(2**32) if soak else 20261123
    print(f"seed {seed}")
    location = f"sqlite:///{tmp_path}/chatlog.sqlite3"
    session = make_session()
    asyncio.run(create(location, session))
    agents = [
        Agent(location=location, session_id=session.session_id, name=f"agent_{number}", folder=tmp_path)
        for number in range(PROCESSES)
    ]
    try:
        for agent in agents:
            agent.start()
        kill_at_random(agents, 1_000 if soak else 120, random.Random(seed))
    finally:
        for agent in agents:
            agent.kill()
    for agent in agents:  # the last outcome of each is unknown; it finds out by sending again
        agent.start(remarks=read_log(agent.log)[0])
    for agent in agents:
        assert agent.process is not None
        assert agent.process.wait(timeout=60) == 0
    check(tmp_path, session.session_id, agents, messages=asyncio.run(read_all(location, session.session_id)))


async def create(location: str, session: chatlog.Session) -> None:
    async with chatlog.open_store(location) as store:
        await store.create_session(session)


async def read_all(location: str, session_id: str) -> list[chatlog.Message]:
    messages: list[chatlog.Message] = []
    async with chatlog.open_store(location) as store:
        while page := await store.list_messages(session_id, after=len(messages), limit=1000):
            messages += page
        assert (await store.get_session(session_id)).message_count == len(messages)
    return messages


def check(folder: Path, session_id: str, agents: list[Agent], *, messages: list[chatlog.Message]) -> None:
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1)), "a gap or a double number"
    stored = {message.message_id: message.sequence for message in messages}
    assert len(stored) == len(messages), "a message is there twice"
    expected = 0
    for agent in agents:
        tried, acknowledged = read_log(agent.log)
        assert tried == len(acknowledged) > 0
        assert {f"{agent.name}-{number}": sequence for number, sequence in acknowledged.items()}.items() <= stored.items()
        own = [message.content for message in messages if message.source == agent.name]
        assert own == [f"{agent.name} {number}" for number in range(tried)], "lost, doubled or out of order"
        expected += tried
    assert len(messages) == expected
    connection = apsw.Connection(str(folder / "chatlog.sqlite3"))
    assert connection.pragma("integrity_check") == "ok"
    print(f"{len(messages)} messages of {len(agents)} processes, 0 lost, 0 doubled, 0 gaps")
