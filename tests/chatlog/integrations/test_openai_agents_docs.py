from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import SessionStatus
from tests.chatlog.integrations import openai_team as team
from tests.chatlog.integrations import pages
from tests.chatlog.integrations.conftest import the_session

PAGE = "openai-agents.md"


async def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = team.ScriptedModel(team.calls("transfer_to_market_analyst"), team.says("Short ones are taken."))
    async with await pages.run_main(PAGE, model, data=tmp_path, monkeypatch=monkeypatch) as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("A name for the product", SessionStatus.COMPLETED)
    assert [m.kind for m in messages] == ["text", "handoff", "text"]
    assert messages[-1].content == "Short ones are taken."


@pytest.mark.parametrize("block", pages.blocks(PAGE)[1:])
def test_the_other_blocks_are_python(block: str) -> None:
    pages.compiles(block)
