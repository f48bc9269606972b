from __future__ import annotations

import os
import subprocess
import sys

import pytest

import chatlog


def test_every_public_name_is_there_and_sorted() -> None:
    assert chatlog.__all__ == sorted(chatlog.__all__)
    assert all(hasattr(chatlog, name) for name in chatlog.__all__)


@pytest.mark.parametrize("location", ["'https://chatlog.example.org', token='chatlog_x'", ""])
def test_a_system_without_locks_on_files_is_told_so(location: str) -> None:
    """Windows, say: whichever store needs them."""
    program = f"import sys; sys.modules['fcntl'] = None; import chatlog; chatlog.open_store({location})"
    watched = {"COSMOSDB_ENDPOINT": "https://x", "COSMOSDB_KEY": "eA==", "COSMOSDB_READ_ONLY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=os.environ | watched
    )
    assert done.stderr.splitlines()[-1].startswith("chatlog.errors.ConfigurationError: Recording over HTTP, and watching")
    assert "need Linux or macOS" in done.stderr


def test_importing_it_loads_no_web_framework_and_no_driver() -> None:
    """An agent's process pays only for the store it opens."""
    program = "import sys, chatlog; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"django", "channels", "daphne", "azure", "apsw", "aiohttp"} & set(loaded)
