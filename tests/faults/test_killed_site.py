"""A site is killed every few seconds under agents that record over HTTP. What was acknowledged is there, once, in its place."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chatlog
from tests.chatlog.client.served_site import ROOT, ServedSite, served_site
from tests.faults.client_program import read_log

AGENTS = 8
SESSIONS = ("first", "second")
SECONDS = 3.0
SOAK_SECONDS = 120.0


def test_a_site_that_is_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    soak = request.config.getoption("--soak", default=False)
    seed = random.randrange(2**32) if soak else 20261125
    print(f"seed {seed}")
    folders = [tmp_path / name for name in ("one", "two")]  # four agents each share a queue
    for folder in folders:
        folder.mkdir()
    with served_site() as site:
        agents = [start_agent(site, number, folders[number // 2 % 2]) for number in range(AGENTS)]
        try:
            wait_until_all_talk(tmp_path)
            kills = kill_at_random(site, SOAK_SECONDS if soak else SECONDS, random.Random(seed))
            for agent in agents:
                agent.communicate(timeout=120)  # which ends its standard input
            assert [agent.returncode for agent in agents] == [0] * AGENTS
        finally:
            for agent in agents:
                agent.kill()
                agent.communicate()
        logs = {f"agent_{number}": read_log(folders[number // 2 % 2], f"agent_{number}") for number in range(AGENTS)}
        check(site, logs, kills=kills)


def start_agent(site: ServedSite, number: int, folder: Path) -> subprocess.Popen[str]:
    token = [site.token, *site.other_tokens][number]  # each of its own: one may ask two hundred times a second
    arguments = [site.address, SESSIONS[number % len(SESSIONS)], f"agent_{number}", str(folder)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.client_program", *arguments],
        cwd=ROOT,
        env=os.environ | {"CHATLOG_TOKEN": token},
        stdin=subprocess.PIPE,
        text=True,
    )


def wait_until_all_talk(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while sum(log.stat().st_size > 0 for log in folder.glob("*/*.log")) < AGENTS:
        assert time.monotonic() < deadline, "not all agents came to talk"
        time.sleep(0.05)


def kill_at_random(site: ServedSite, seconds: float, rng: random.Random) -> int:
    """Kill the site and start it again, for so long; returns how often."""
    deadline, kills = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        time.sleep(rng.uniform(0.3, 2.0))
        site.kill()
        kills += 1
        site.start()
    return kills


def check(site: ServedSite, logs: dict[str, dict[int, int]], *, kills: int) -> None:
    messages = [message for session in SESSIONS for message in asyncio.run(read_all(site, session))]
    stored = {message.message_id: message for message in messages}
    assert len(stored) == len(messages), "a remark is there twice"
    for name, acknowledged in logs.items():
        own = [message.content for message in messages if message.source == name]
        assert own == [f"{name} {number}" for number in range(len(acknowledged))], "lost, doubled or out of order"
        for number, sequence in acknowledged.items():
            assert sequence in {0, stored[f"{name}-{number}"].sequence}
    waited = sum(sequence == 0 for acknowledged in logs.values() for sequence in acknowledged.values())
    assert 0 < waited < len(messages), "all or none had to wait: the site was not killed under way"
    print(f"{kills} kills, {len(messages)} remarks of {len(logs)} agents, {waited} had to wait, 0 lost, 0 doubled, 0 gaps")


async def read_all(site: ServedSite, session_id: str) -> list[chatlog.Message]:
    messages: list[chatlog.Message] = []
    async with chatlog.open_store(site.location) as store:
        while page := await store.list_messages(session_id, after=len(messages), limit=1000):
            messages += page
        assert (await store.get_session(session_id)).message_count == len(messages)
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1)), "a gap or a double number"
    return messages
