"""This machine's time zone, with its own summer times."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_HERE = Path("/etc/localtime")


def local_zone() -> tzinfo:
    """The zone that `TZ` names, else the machine's; where neither can be read, its offset from UTC at this moment."""
    try:
        if name := os.environ.get("TZ", "").strip():
            return ZoneInfo(name)
        with _HERE.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        zone = datetime.now().astimezone().tzinfo  # the local zone is what is asked for
        assert zone is not None, "astimezone() gives a zone"
        return zone
