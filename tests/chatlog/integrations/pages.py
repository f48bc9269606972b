"""The examples of a page in docs/, to be run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import chatlog

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def compiles(block: str) -> None:
    body = "\n".join(f"    {line}" for line in block.splitlines())
    compile(f"async def example():\n{body}", "docs", "exec")


async def run_main(page: str, *arguments: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> chatlog.SessionStore:
    """Run the page's first example in an environment that names `data`, and return the store it wrote to."""
    monkeypatch.setenv("CHATLOG_DATA_DIR", str(data))
    monkeypatch.delenv("COSMOSDB_ENDPOINT", raising=False)
    names: dict[str, Any] = {}
    exec(compile(blocks(page)[0], f"docs/{page}", "exec"), names)
    await names["main"](*arguments)
    return chatlog.open_store()
