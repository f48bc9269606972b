"""`manage.py` with two more addresses: `/broken`, an answer that fails in its middle, and `/endless`, one of 64 MB."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

PIECE = b"x" * 64 * 1024

if __name__ == "__main__":
    import django

    django.setup()
    from django.contrib.auth.decorators import login_not_required
    from django.core.management import execute_from_command_line
    from django.http import HttpRequest, StreamingHttpResponse
    from django.urls import path

    from dashboard import urls

    async def break_off() -> AsyncIterator[bytes]:
        yield PIECE
        raise RuntimeError("this is the middle of the answer")

    async def go_on(asked: list[bool]) -> AsyncIterator[bytes]:
        for _ in range(1000):
            asked.append(True)
            yield PIECE
        print("took in everything", flush=True)

    async def watch(asked: list[bool]) -> None:
        """Say so when nobody has asked for more for a second."""
        before = -1
        while len(asked) > before:
            before = len(asked)
            await asyncio.sleep(1)
        print("held up", flush=True)

    @login_not_required
    async def broken(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(break_off())

    @login_not_required
    async def endless(request: HttpRequest) -> StreamingHttpResponse:
        asked: list[bool] = []
        endless.watching = asyncio.create_task(watch(asked))  # type: ignore[attr-defined]  # a task that nobody holds may vanish
        return StreamingHttpResponse(go_on(asked))

    urls.urlpatterns += [path("broken", broken), path("endless", endless)]
    execute_from_command_line(sys.argv)
