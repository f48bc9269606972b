from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chatlog import ConfigurationError, SessionStatus
from chatlog.client import QueueLimits, RemoteStore, sender, stuck
from chatlog.client.wire import MAX_BODY_BYTES
from chatlog.integrations.logs import ChatlogHandler
from tests.chatlog.client.conftest import OpenRemote, all_sent
from tests.chatlog.client.fake_site import FakeSite, page, problem
from tests.chatlog.client.served_site import ServedSite
from tests.chatlog.integrations import pages
from tests.factories import make_draft, make_session

PAGE = "client.md"
TEXT = (pages.DOCS / PAGE).read_text()
TASK, REMARK = "A name for the product", ("market_analyst", "Short ones are taken.")


async def run(block: str, **names: Any) -> dict[str, Any]:
    """Run a block as if it stood in a coroutine."""
    body = "\n".join(f"    {line}" for line in block.splitlines())
    exec(compile(f"async def example():\n{body}\n    return locals()", PAGE, "exec"), names)
    return await names["example"]()


async def test_the_first_example_runs_as_it_stands(
    served: ServedSite, open_remote: OpenRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("CHATLOG_TOKEN", served.token)
    await pages.run_main(PAGE, served.address, data=tmp_path, monkeypatch=monkeypatch)
    assert capsys.readouterr().out == "1\n"
    store = open_remote(served)
    (session,) = (await store.list_sessions()).items
    assert (session.task, session.status) == (TASK, SessionStatus.COMPLETED)
    assert [(m.source, m.content) for m in await store.list_messages(session.session_id)] == [REMARK]


async def test_what_is_logged_gets_there(
    served: ServedSite, open_remote: OpenRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATLOG_TOKEN", served.token)
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    handler = (await run(pages.blocks(PAGE)[1], address=served.address))["handler"]
    log = logging.getLogger("agents")
    log.error("said in the night")
    await asyncio.to_thread(handler.close)
    log.removeHandler(handler)
    sessions = (await open_remote(served).list_sessions()).items
    assert "Night shift" in [session.task for session in sessions]


async def test_what_is_logged_gets_to_another_machine_over_plain_http_if_that_is_allowed(
    served: ServedSite, open_remote: OpenRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    elsewhere = served.address.replace("127.0.0.1", "0.0.0.0")  # leads to this machine, and does not look like it
    where = {"task": "Far away", "location": elsewhere, "token": served.token}
    with pytest.raises(ConfigurationError, match="allow_plain_http=True"):
        ChatlogHandler(**where)
    handler = ChatlogHandler(**where, allow_plain_http=True)
    handler.handle(logging.LogRecord("agents", logging.INFO, __file__, 1, "said far away", (), None))
    await asyncio.to_thread(handler.close)
    store = open_remote(served)
    (session,) = [session for session in (await store.list_sessions()).items if session.task == "Far away"]
    assert [message.content for message in await store.list_messages(session.session_id)] == ["said far away"]


async def test_the_numbers_of_the_page_are_the_codes(fake: FakeSite) -> None:
    store = (await run(pages.blocks(PAGE)[2], address=fake.address, token="chatlog_abc"))["store"]
    assert isinstance(store, RemoteStore)
    assert (store.queue.parent, store._limits.entries, store._limits.full_seconds) == (Path("queue"), 10_000, 5)
    limits = QueueLimits()
    assert f"{limits.entries:,} remarks and changes may wait, or {limits.size // 1024**2} MiB" in TEXT
    assert f"at most {limits.full_seconds:g} seconds" in TEXT
    assert limits.closing_seconds == 10
    assert "on sending for ten seconds" in TEXT
    assert sender.CATCH_UP_SECONDS == 5
    assert "at most five seconds" in re.sub(r"\s+", " ", TEXT)
    assert (stuck.STUCK_AFTER, MAX_BODY_BYTES) == (3, 4 * 1024**2)
    assert "sent alone three times" in TEXT


async def test_what_was_refused_is_shown_sent_again_and_forgotten(
    store: RemoteStore, fake: FakeSite, capsys: pytest.CaptureFixture
) -> None:
    session = await store.create_session(make_session())
    fake.always = page(502)
    await store.append_messages(session.session_id, [make_draft(content="refused")])
    fake.always = problem(404, "x", {"field": "session_id"})
    await all_sent(store)
    fake.always = None
    await run(pages.blocks(PAGE)[3], store=store)
    assert "'content': 'refused'" in capsys.readouterr().out
    await all_sent(store)
    assert (fake.said(session.session_id), await store.list_refused()) == (["refused"], [])


async def test_curl_records_as_well(served: ServedSite, open_remote: OpenRemote) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    environment = os.environ | {"SITE": served.address, "CHATLOG_TOKEN": served.token}
    command = ["bash", "-euc", block]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, check=True, capture_output=True, text=True)
    assert '{"sequence":1,"message_id":"remark-1"}' in done.stdout
    store = open_remote(served)
    assert (await store.get_session("naming")).task == TASK
    assert [(m.source, m.content) for m in await store.list_messages("naming")] == [REMARK]
