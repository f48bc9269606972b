from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chatlog
from chatlog import ConfigurationError, SessionStatus
from chatlog.integrations.logs import ChatlogHandler
from tests.chatlog.integrations import pages
from tests.chatlog.integrations.conftest import the_session

PAGE = "logging.md"


def run_to_its_end(program: str, data: Path) -> None:
    environment = os.environ | {"CHATLOG_DATA_DIR": str(data), "COSMOSDB_ENDPOINT": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


async def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_to_its_end(f"{pages.blocks(PAGE)[0]}\nmain()", tmp_path)
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COSMOSDB_ENDPOINT", raising=False)
    async with chatlog.open_store() as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("A name for the product", SessionStatus.COMPLETED)
    assert [(m.source, m.content) for m in messages] == [("market_analyst", "Short ones are taken.")]


def test_the_example_with_plain_http_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in pages.blocks(PAGE) if "allow_plain_http" in block)
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CHATLOG_TOKEN", "chatlog_abc")
    exec(block, {"os": os, "ChatlogHandler": ChatlogHandler})  # it connects with the first record
    with pytest.raises(ConfigurationError, match="unencrypted"):
        exec(block.replace(", allow_plain_http=True", ""), {"os": os, "ChatlogHandler": ChatlogHandler})


@pytest.mark.parametrize("block", pages.blocks(PAGE)[1:])
def test_the_other_blocks_are_python(block: str) -> None:
    pages.compiles(block)
