"""`manage.py` with one more address, `/slow`, that takes a second and a half: to be stopped in the middle of an answer."""

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
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    from dashboard import urls

    async def slow(request: HttpRequest) -> HttpResponse:
        print("ANSWERING", flush=True)
        await asyncio.sleep(1.5)
        return HttpResponse("finished")

    urls.urlpatterns.append(path("slow", slow))
    execute_from_command_line(sys.argv)
