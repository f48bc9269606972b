"""The examples of the adapters' pages in docs/ run as they stand. The log handler's needs a program: `test_logs_docs`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatlog import SessionStatus
from tests.chatlog.integrations import framework_agents, graphs, openai_team, pages, teams
from tests.chatlog.integrations.conftest import the_session

ASKED, ANSWERED = "A name for the product", "Short ones are taken."


def hands_over() -> Any:
    return openai_team.ScriptedModel(openai_team.calls("transfer_to_market_analyst"), openai_team.says(ANSWERED))


# What each page's `main` is called with, and the kinds of what is recorded.
MAINS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "autogen.md": (lambda: teams.replay(ANSWERED, "Longer?", "No.", "Why?"), ["text"] * 5 + ["event"]),
    "openai-agents.md": (hands_over, ["text", "handoff", "text"]),
    "langgraph.md": (lambda: graphs.model(graphs.says(ANSWERED)), ["text", "text"]),
    "agent-framework.md": (lambda: framework_agents.ScriptedClient(framework_agents.says(ANSWERED)), ["text", "text"]),
}


@pytest.mark.parametrize("page", MAINS)
async def test_the_first_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    make, kinds = MAINS[page]
    async with await pages.run_main(page, make(), data=tmp_path, monkeypatch=monkeypatch) as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == (ASKED, SessionStatus.COMPLETED)
    assert [m.kind for m in messages] == kinds
    assert ANSWERED in [m.content for m in messages]


async def test_the_page_of_all_recordings_adds_two_runs_to_a_session_and_reports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = openai_team.ScriptedModel(openai_team.says("Taken."), openai_team.says("Fine."))
    async with await pages.run_main("recording.md", model, data=tmp_path, monkeypatch=monkeypatch) as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("Two rounds", SessionStatus.COMPLETED)
    assert [m.content for m in messages] == ["Short names?", "Taken.", "Longer ones?", "Fine."]
    assert capsys.readouterr().out.splitlines() == [f"{session.session_id} 2 0 None"] * 2


@pytest.mark.parametrize(("page", "block"), [(page, block) for page in MAINS for block in pages.blocks(page)[1:]])
def test_the_other_examples_are_python(page: str, block: str) -> None:
    pages.compiles(block)
