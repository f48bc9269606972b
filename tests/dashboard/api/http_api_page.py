"""The examples of docs/http-api.md, to be run as they stand."""

from __future__ import annotations

import re
from typing import Any

from tests.dashboard.site_process import ROOT

PAGE = (ROOT / "docs/http-api.md").read_text()
SEND, FOLLOW, LIST = range(3)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def names_of(number: int) -> dict[str, Any]:
    """What a block of Python defines."""
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[number], "docs/http-api.md", "exec"), names)
    return names
