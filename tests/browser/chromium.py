"""The system's Chromium: playwright's own download is not needed."""

from __future__ import annotations

import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def launch_options() -> dict[str, Any]:
    """How playwright starts it, headless and without a word to anybody outside this machine."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError(f"No browser was found; one of {', '.join(NAMES)} is needed. make test installs it on Debian.")
    return {
        "executable_path": path,
        "args": [
            "--no-sandbox",  # its sandbox does not work for root, as which containers run
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }
