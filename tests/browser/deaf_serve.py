"""`manage.py serve` with its ears shut: signals are dropped, and the store never says that it has changed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")


async def never_changed(store: object, *, at_most: float) -> bool:
    await asyncio.sleep(at_most)
    return False


async def hear_nothing(receiver: object, layer: Any, channel: str) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    import django

    django.setup()
    from django.core.management import call_command

    from chatlog.storage.sqlite.store import SqliteSessionStore
    from dashboard.feeds.hints import HintReceiver

    SqliteSessionStore.wait_for_change = never_changed  # type: ignore[method-assign]
    HintReceiver._keep_receiving = hear_nothing  # type: ignore[method-assign]
    call_command("serve", *sys.argv[1:])
