from __future__ import annotations

import re
from pathlib import Path

import pytest

import chatlog
from chatlog import SessionStatus
from tests.chatlog.integrations import teams
from tests.chatlog.integrations.conftest import the_session

PAGE = (Path(__file__).parents[3] / "docs" / "autogen.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


async def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COSMOSDB_ENDPOINT", raising=False)
    names: dict[str, object] = {}
    exec(compile(BLOCKS[0], "docs/autogen.md", "exec"), names)
    await names["main"](teams.replay("Short ones.", "Are taken.", "Longer?", "Fine."))  # type: ignore[operator]
    async with chatlog.open_store() as store:
        session, messages = await the_session(store)
    assert (session.task, session.status) == ("A name for the product", SessionStatus.COMPLETED)
    assert [m.content for m in messages[1:-1]] == ["Short ones.", "Are taken.", "Longer?", "Fine."]


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_the_other_blocks_are_python(block: str) -> None:
    body = "\n".join(f"    {line}" for line in block.splitlines())
    compile(f"async def example():\n{body}", "docs/autogen.md", "exec")
