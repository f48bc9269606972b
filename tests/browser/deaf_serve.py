"""`manage.py serve` with its ears shut: signals are dropped, and the store never says that it has changed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

from daphne.server import Server as _  # noqa: F401  # first: it installs the reactor

import django

django.setup()

from django.core.management import call_command

from chatlog.storage.sqlite.store import SqliteSessionStore
from dashboard.feeds.hints import HintReceiver


async def never_changed(self: SqliteSessionStore, *, at_most: float) -> bool:
    await asyncio.sleep(at_most)
    return False


async def hear_nothing(self: HintReceiver, layer: Any, channel: str) -> None:
    await asyncio.Event().wait()


SqliteSessionStore.wait_for_change = never_changed  # type: ignore[method-assign]
HintReceiver._keep_receiving = hear_nothing  # type: ignore[method-assign]

if __name__ == "__main__":
    call_command("serve", *sys.argv[1:])
