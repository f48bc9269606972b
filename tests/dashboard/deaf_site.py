"""`manage.py` whose feeds neither poll nor watch the store: what they show, a hint has told them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

if __name__ == "__main__":
    import django

    django.setup()
    from django.core.management import execute_from_command_line

    from dashboard.feeds import session_state
    from dashboard.feeds.hub import Hub

    async def watch_nothing(self: Hub) -> None:
        await asyncio.Event().wait()

    Hub._watch_store = watch_nothing  # type: ignore[method-assign]
    session_state.POLL_SECONDS = 3600
    execute_from_command_line(sys.argv)
