from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import SessionStatus
from tests.chatlog.integrations import graphs, pages
from tests.chatlog.integrations.conftest import the_session

PAGE = "langgraph.md"


async def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = graphs.model(graphs.says("Short ones are taken."))
    async with await pages.run_main(PAGE, model, data=tmp_path, monkeypatch=monkeypatch) as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("A name for the product", SessionStatus.COMPLETED)
    assert [(m.source, m.content) for m in messages] == [
        ("user", "A name for the product"),
        ("analyst", "Short ones are taken."),
    ]


@pytest.mark.parametrize("block", pages.blocks(PAGE)[1:])
def test_the_other_blocks_are_python(block: str) -> None:
    pages.compiles(block)
