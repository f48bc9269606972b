"""One of two servers, both on daphne as `manage.py serve` runs it, so that only what answers differs.

`ours`   the site, with a token whose requests are not counted
`empty`  Django itself without any middleware, and a view that returns two bytes

Usage: python -m benchmarks.http_api_server ours|empty. Tells its port and token in a line of JSON; serves until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import daphne.server  # isort: skip  # noqa: F401  # first: it installs the reactor
import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path


async def empty(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", headers={"Content-Length": "2"})


urlpatterns = [path("", empty)]


def make_token() -> str:
    from django.contrib.auth.models import User

    from dashboard.programs import throttle
    from dashboard.programs.tokens import create_token

    throttle.BURST = math.inf  # what is measured is the API, not how much of it one program may have
    call_command("migrate", verbosity=0)
    return create_token(User.objects.create_user("bench"), name="", by="benchmark")[1]


async def begin_session() -> str:
    from chatlog.domain.models import draft_session
    from dashboard.stores import get_store

    return (await get_store().create_session(draft_session(task="benchmark"))).session_id


def _write_log_to_nobody() -> None:
    """It is part of the work, but nothing to read."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(Path(os.devnull).open("w"))  # noqa: SIM115  # as long as the process


def serve(variant: str) -> None:
    django.setup()
    from dashboard.server import DrainingServer

    if variant == "empty":
        settings.MIDDLEWARE = []
        settings.ROOT_URLCONF = __name__
        application: Any = get_asgi_application()
        token = session_id = ""
    else:
        from dashboard.asgi import application

        token = make_token()
        with ThreadPoolExecutor(
            1
        ) as thread:  # the reactor's event loop is this thread's own, and stays untouched until it runs
            session_id = thread.submit(asyncio.run, begin_session()).result()

    _write_log_to_nobody()

    def tell(address: str) -> None:
        port = int(address.rsplit(":", 1)[1].strip("/"))
        print(json.dumps({"port": port, "token": token, "session_id": session_id}), flush=True)

    DrainingServer(application, host="127.0.0.1", port=0, when_listening=tell).run()


if __name__ == "__main__":
    serve(sys.argv[1])
