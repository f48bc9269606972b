"""What each answer cost at the store, for stores that charge: one line in the log, from `chatlog.charges`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.encoding import escape_uri_path

from chatlog.domain.charges import measure_charges

Answer = Callable[[HttpRequest], HttpResponse]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def charges_in_log(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """What is read while an answer streams comes later, and is not counted here."""
    if iscoroutinefunction(get_response):

        async def answer_in_turn(request: HttpRequest) -> HttpResponse:
            with measure_charges(_name(request)):
                return await cast("AsyncAnswer", get_response)(request)

        return answer_in_turn

    def answer(request: HttpRequest) -> HttpResponse:
        with measure_charges(_name(request)):
            return cast("Answer", get_response)(request)

    return answer


def _name(request: HttpRequest) -> str:
    # The path as it was sent: decoded it could hold a line break. What was searched for is nobody's business.
    return f"{request.method} {escape_uri_path(request.path)}"
