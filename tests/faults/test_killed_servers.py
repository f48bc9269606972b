"""The site is killed again and again under clients that send over HTTP, and one that follows, as docs/http-api.md has them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

import chatlog
from tests.dashboard.api.http_api_page import FOLLOW, SEND, names_of
from tests.dashboard.site_process import Site, manage, running_site

CLIENTS = 8
KILLS = 2
SOAK_SECONDS = 120
BETWEEN_KILLS = 20  # messages that are acknowledged at least


@dataclass
class Client:
    """Says one thing after the other, and goes on to the next when it is acknowledged."""

    name: str
    acknowledged: dict[str, int] = field(default_factory=dict)
    is_over: bool = False

    async def talk(self, session_id: str, **connection: object) -> None:
        send = names_of(SEND)["send"]
        async with httpx.AsyncClient(timeout=2, **connection) as client:  # type: ignore[arg-type]
            while not self.is_over:
                message_id = f"{self.name}-{len(self.acknowledged)}"
                message = {"source": self.name, "content": message_id, "message_id": message_id}
                self.acknowledged[message_id] = await send(client, session_id, message)


async def test_what_was_acknowledged_over_http_is_there_once_and_heard_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    rng = random.Random(None if request.config.getoption("--soak") else 20261125)
    until = time.monotonic() + (SOAK_SECONDS if request.config.getoption("--soak") else 0)
    clients = [Client(f"client_{number}") for number in range(CLIENTS)]
    heard: list[int] = []
    async with running_site(tmp_path) as first:
        _, output = await manage(tmp_path, "create_token", "ann")
        monkeypatch.setenv("CHATLOG_TOKEN", output.split()[-1])
        monkeypatch.setenv("SITE", first.origin)
        connection = {"base_url": first.origin, "headers": {"Authorization": f"Bearer {output.split()[-1]}"}}
        async with httpx.AsyncClient(**connection) as client:
            session_id = (await client.post("/api/v1/sessions", json={"task": "x"})).json()["session_id"]
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen(session_id, heard))
            talking = [tasks.create_task(one.talk(session_id, **connection)) for one in clients]
            kills = await kill_at_random(first, clients, tmp_path, rng=rng, until=until)
            async with restarted(tmp_path, first.port):
                for one in clients:
                    one.is_over = True
                await asyncio.wait_for(asyncio.gather(*talking), 60)
                stored = await read_all(tmp_path, session_id)
                async with asyncio.timeout(30):
                    while len(heard) < len(stored):  # noqa: ASYNC110  # what is listened to tells nobody else
                        await asyncio.sleep(0.05)
                listening.cancel()
    assert [message.sequence for message in stored] == heard == list(range(1, len(stored) + 1))
    acknowledged = {key: value for one in clients for key, value in one.acknowledged.items()}
    assert acknowledged == {message.message_id: message.sequence for message in stored}
    assert kills >= KILLS


async def listen(session_id: str, heard: list[int]) -> None:
    async for message in names_of(FOLLOW)["follow"](session_id):
        heard.append(message["sequence"])  # noqa: PERF401  # looked at while it goes on


async def kill_at_random(first: Site, clients: list[Client], data: Path, *, rng: random.Random, until: float) -> int:
    """Each time in mid-work. Returns how often, when there was enough of it."""
    await work(clients, rng=rng)
    first.process.kill()
    await first.process.wait()
    kills = 1
    while kills < KILLS or time.monotonic() < until:
        async with restarted(data, first.port):
            await work(clients, rng=rng)
        kills += 1
    return kills


async def work(clients: list[Client], *, rng: random.Random) -> None:
    before = sum(len(one.acknowledged) for one in clients)
    async with asyncio.timeout(60):
        while sum(len(one.acknowledged) for one in clients) < before + BETWEEN_KILLS:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
    await asyncio.sleep(rng.uniform(0, 0.02))


@asynccontextmanager
async def restarted(data: Path, port: int) -> AsyncIterator[Site]:
    """Over what the one before has left, at its address; killed at the end."""
    async with running_site(data, port=port) as site:
        yield site


async def read_all(data: Path, session_id: str) -> list[chatlog.Message]:
    messages: list[chatlog.Message] = []
    async with chatlog.open_store(f"sqlite:///{data}/chatlog.sqlite3") as store:
        while page := await store.list_messages(session_id, after=len(messages), limit=1000):
            messages += page
    return messages
