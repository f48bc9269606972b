"""Text in Markdown that is to be shown as it stands."""

from __future__ import annotations

import re


def fenced(text: str, language: str = "") -> str:
    """A Markdown code block that no backticks inside can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
