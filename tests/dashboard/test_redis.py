"""Two dashboard processes with a real Redis between them. Polls and the store's own watcher are off: only a hint can tell."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.dashboard.site_process import ROOT, environment, read_rows, running_site
from tests.factories import make_drafts, make_session

SAVE = """
import asyncio, sys, django
django.setup()
from chatlog.services.recording import record_messages
from dashboard.signals import ChannelSignals
from dashboard.stores import close_store, get_store
from tests.factories import make_drafts

async def main():
    signals = ChannelSignals()
    for _ in range(int(sys.argv[2])):
        await record_messages(get_store(), signals, session_id=sys.argv[1], drafts=make_drafts(1))
    while signals._sending:
        await asyncio.sleep(0.01)
    print("LOST", signals.failures)
    await close_store()

asyncio.run(main())
"""


@asynccontextmanager
async def running_redis(folder: Path, port: int) -> AsyncIterator[None]:
    binary = shutil.which("redis-server")
    assert binary, "redis-server is missing; make test installs it (tests/install_system_packages.sh)"
    process = await asyncio.create_subprocess_exec(
        binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), stdout=asyncio.subprocess.PIPE
    )
    try:
        while b"Ready to accept connections" not in await asyncio.wait_for(process.stdout.readline(), 10):
            pass
        yield
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def save_elsewhere(data: Path, session_id: str, count: int, redis: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SAVE, session_id, str(count), cwd=ROOT,
        env=environment(data, REDIS_URL=redis), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_a_hint_crosses_processes_and_a_dead_redis_costs_no_save(tmp_path: Path, free_port: int) -> None:
    redis = f"redis://127.0.0.1:{free_port}"
    site_starts = running_site(tmp_path, program="tests/dashboard/deaf_site.py", REDIS_URL=redis)
    async with SqliteSessionStore(tmp_path / "chatlog.sqlite3") as store:
        session = await store.create_session(make_session())
        async with running_redis(tmp_path, free_port), site_starts as site, site.watch(session.session_id) as page:
            await asyncio.wait_for(page.recv(), 10)  # the state: it is in step
            assert "LOST 0" in await save_elsewhere(tmp_path, session.session_id, 30, redis)
            assert await read_rows(page, up_to=30) == list(range(1, 31))
            assert (await site.get("/readyz"))[0] == 200
        assert "LOST 0" not in await save_elsewhere(tmp_path, session.session_id, 3, redis)
        assert await store.get_last_sequence(session.session_id) == 33


async def test_a_page_is_complete_while_redis_dies_and_comes_back(tmp_path: Path, free_port: int) -> None:
    async with (
        SqliteSessionStore(tmp_path / "chatlog.sqlite3") as store,
        running_site(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port}") as site,  # started without Redis
    ):
        session = await store.create_session(make_session())
        async with site.watch(session.session_id) as page:
            await store.append_messages(session.session_id, make_drafts(5))
            assert await read_rows(page, up_to=5) == [1, 2, 3, 4, 5]
            async with running_redis(tmp_path, free_port):
                await store.append_messages(session.session_id, make_drafts(5))
                assert await read_rows(page, up_to=10) == [6, 7, 8, 9, 10]
            await store.append_messages(session.session_id, make_drafts(5))
            assert await read_rows(page, up_to=15) == [11, 12, 13, 14, 15]
        assert (await site.get("/readyz"))[0] == 503
