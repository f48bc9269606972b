from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import SessionStatus
from tests.chatlog.integrations import framework_agents as team
from tests.chatlog.integrations import pages
from tests.chatlog.integrations.conftest import the_session

PAGE = "agent-framework.md"


async def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = team.ScriptedClient(team.says("Short ones are taken."))
    async with await pages.run_main(PAGE, client, data=tmp_path, monkeypatch=monkeypatch) as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("A name for the product", SessionStatus.COMPLETED)
    assert [m.content for m in messages] == ["A name for the product", "Short ones are taken."]


@pytest.mark.parametrize("block", pages.blocks(PAGE)[1:])
def test_the_other_blocks_are_python(block: str) -> None:
    pages.compiles(block)
