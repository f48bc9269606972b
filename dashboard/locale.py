"""In which language and time zone somebody sees the site: decided here for pages and for live frames alike.

The language is the one picked with the switch, else the best the browser asks for. The zone is the browser's, which
`static/js/times.js` tells in a cookie; before it has, `TIME_ZONE`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware

ZONE_COOKIE = "timezone"

Answer = Callable[[HttpRequest], HttpResponse]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass(frozen=True, slots=True)
class ViewerLocale:
    """What a rendered piece of a page depends on, besides what it shows.

    Attributes:
        language: a code of `settings.LANGUAGES`.
        zone: an IANA name, such as `Asia/Tokyo`.
    """

    language: str
    zone: str

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Render in this language and zone. Tasks that are made inside go on in them."""
        with translation.override(self.language), timezone.override(ZoneInfo(self.zone)):
            yield


def default_locale() -> ViewerLocale:
    """For viewers who told nothing."""
    return ViewerLocale(settings.LANGUAGE_CODE, settings.TIME_ZONE)


def read_locale(*, cookies: Mapping[str, str], accept_language: str) -> ViewerLocale:
    """The locale of a page, from what its browser sends along with a socket."""
    request = HttpRequest()  # the only thing that Django's own rules about languages are asked with
    request.COOKIES = dict(cookies)
    request.META["HTTP_ACCEPT_LANGUAGE"] = accept_language
    return ViewerLocale(translation.get_language_from_request(request), read_zone(cookies))


def read_zone(cookies: Mapping[str, str]) -> str:
    """The zone the browser named, if there is one of that name. A cookie may hold anything."""
    name = cookies.get(ZONE_COOKIE, "")
    return name if name in known_zones() else settings.TIME_ZONE


@sync_and_async_middleware
def times_in_viewers_zone(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Stays active after the answer, as the language does: what is streamed is written later."""
    if iscoroutinefunction(get_response):

        async def answer_in_turn(request: HttpRequest) -> HttpResponse:
            timezone.activate(ZoneInfo(read_zone(request.COOKIES)))
            return await cast("AsyncAnswer", get_response)(request)

        return answer_in_turn

    def answer(request: HttpRequest) -> HttpResponse:
        timezone.activate(ZoneInfo(read_zone(request.COOKIES)))
        return cast("Answer", get_response)(request)

    return answer


@cache
def known_zones() -> frozenset[str]:
    """The names of the time zones that there are."""
    return frozenset(available_timezones())
