"""`manage.py tail`: the program's own tail, on the site's store."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from chatlog import Recorder, open_store
from tests.chatlog.services.taking import keep
from tests.dashboard.site_process import ROOT, environment, manage
from tests.factories import make_draft


async def start(data: Path, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, str(ROOT / "manage.py"), "tail", *arguments)
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment(data), stdout=pipe, stderr=pipe)


async def test_it_follows_the_sites_store_until_the_discussion_ends(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        async with Recorder(store, task="On the site") as session:
            await session.save(source="ann", content="first")
            process = await start(tmp_path, session.session_id, "--json")
            assert process.stdout is not None
            assert json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["content"] == "first"
            await session.save(source="ann", content="second")
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert json.loads(out)["content"] == "second"
    assert (process.returncode, err.decode()) == (0, "On the site: completed\n")


async def test_ctrl_c_ends_it_with_130_and_a_wrong_name_with_2(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chatlog.sqlite3") as store:
        await keep(store, [make_draft()], session_id="one")
    process = await start(tmp_path)
    assert process.stderr is not None
    assert b"Following every discussion" in await asyncio.wait_for(process.stderr.readline(), 60)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (130, b"")
    code, output = await manage(tmp_path, "tail", "nobody")
    assert code == 2
    assert output.startswith("chatlog: There is no session 'nobody'.")
    assert output.count("\n") == 1
