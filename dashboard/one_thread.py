"""Django's middleware in one thread a request: the way in and out costs one change of threads, not two for each of fifteen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest


class OneThread(BaseHandler):
    """How a handler gets its chain of middleware; views that are coroutines run in the event loop all the same.

    Most of Django's middleware is not asynchronous itself, so the asynchronous chain sends each of its steps to the request's
    thread and waits for it, which is half of what a short page costs. Here the chain is WSGI's, run in that thread as a whole.
    """

    _middleware_chain: Callable[[HttpRequest], Any]

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002  # Django's signature
        super().load_middleware(is_async=False)
        self._middleware_chain = sync_to_async(self._middleware_chain, thread_sensitive=True)


class OneThreadHandler(OneThread, ASGIHandler):
    """The site's handler; otherwise Django's own."""
