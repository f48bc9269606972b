from __future__ import annotations

import subprocess
import sys

import chatlog


def test_every_public_name_is_there_and_sorted() -> None:
    assert chatlog.__all__ == sorted(chatlog.__all__)
    assert all(hasattr(chatlog, name) for name in chatlog.__all__)


def test_importing_it_loads_no_web_framework_and_no_driver() -> None:
    """An agent's process pays only for the store it opens."""
    program = "import sys, chatlog; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"django", "channels", "daphne", "azure", "apsw", "aiohttp"} & set(loaded)
