"""Where a command's store is: what it is told on the command line, and what it may only be told in the environment."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from typing import Any

import pytest

from chatlog import ConfigurationError, client
from chatlog.terminal import opening
from chatlog.terminal.main import main
from tests.chatlog.terminal.programs import PROGRAM, ROOT


def test_the_token_of_a_site_comes_from_the_environment_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(client, "RemoteStore", lambda location, *, token, limits: asked.append((location, token)))
    monkeypatch.setenv("CHATLOG_TOKEN", " chatlog_secret ")
    for location in ("https://chatlog.example.com", "HTTP://127.0.0.1:8000"):
        opening.open_from(location)
        assert asked.pop() == (location, "chatlog_secret")
    for command in ("record", "tail", "list", "export", "send"):
        usage = subprocess.run([*PROGRAM, command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "--store" in usage
        assert "--token" not in usage


def test_without_a_token_a_site_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATLOG_TOKEN", "  ")
    with pytest.raises(ConfigurationError, match="CHATLOG_TOKEN is not set"):
        opening.open_from("https://chatlog.example.com")


def test_the_base_install_is_enough() -> None:
    # What only the site and the tests bring; a None in sys.modules makes an import fail.
    missing = ("rich", "django", "channels", "pydantic", "websockets", "markdown_it")
    program = f"import sys; sys.modules.update(dict.fromkeys({missing!r})); import chatlog.terminal.main as m; m.main(['-h'])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_console_script_is_the_program() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["chatlog"].partition(":")
    assert getattr(importlib.import_module(module), name) is main
