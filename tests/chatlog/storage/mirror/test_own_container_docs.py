"""The examples of docs/own-container.md, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chatlog.config import CosmosSettings, StoreSettings
from tests.chatlog.integrations import pages
from tests.chatlog.storage.mirror.foreign import python_document, said, write
from tests.cosmos.double.containers import Container

PAGE = "own-container.md"


def test_the_settings_are_understood() -> None:
    (block,) = re.findall(r"```\n(COSMOSDB.*?)```", (pages.DOCS / PAGE).read_text(), re.DOTALL)
    cosmos = StoreSettings.from_env(dict(line.split("=", 1) for line in block.splitlines())).cosmos
    assert cosmos is not None
    assert (cosmos.read_only, cosmos.database_name, cosmos.container_name) == (True, "agents", "history")


async def test_the_example_runs_as_it_stands(
    settings: CosmosSettings,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    write(container, python_document(said("user", "Find a name")), python_document(said("assistant", "Kanata")))
    for name, value in {
        "CHATLOG_DATA_DIR": str(tmp_path),
        "COSMOSDB_READ_ONLY": "1",
        "COSMOSDB_EMULATOR": "1",
        "COSMOSDB_ENDPOINT": settings.endpoint,
        "COSMOSDB_KEY": str(settings.key),
        "COSMOSDB_DATABASE_NAME": settings.database_name,
        "COSMOSDB_CONTAINER_NAME": settings.container_name,
    }.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    (example,) = pages.blocks(PAGE)
    exec(compile(example, f"docs/{PAGE}", "exec"), names)
    await names["main"]()
    assert capsys.readouterr().out == "thread-1 2 Find a name\n"
