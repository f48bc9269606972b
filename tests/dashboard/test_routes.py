"""Walks over every address there is: closed by default, and no answer without the headers that keep a browser safe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import AsyncClient, Client
from django.urls import URLPattern, URLResolver, clear_url_caches, get_resolver, path

from chatlog.errors import ConfigurationError, InvalidCursor, SessionNotFound, StorageFull, StorageUnavailable
from chatlog.storage.base import SessionStore
from dashboard import urls
from dashboard.stores import use_store

OPEN_TO_ALL = {"login", "login-local", "set_language", "healthz", "readyz", "metrics"}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
}


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield route, pattern


def fill(route: str) -> str:
    """An address for a route, with something in the place of each parameter."""
    route = re.sub(r"\^\(\?P<\w+>(\w+)[^)]*\)/\$", r"\1/", route)  # one of the administration's is a regular expression
    return "/" + re.sub(r"<int:\w+>", "7", re.sub(r"<(\w+:)?\w+>", "something", route))


ROUTES = list(walk(get_resolver().url_patterns))


def assert_safe_headers(response: object) -> None:
    policy = set(response["Content-Security-Policy"].split("; "))
    assert policy >= POLICY
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[route or "/" for route, _ in ROUTES])
async def test_every_address_wants_a_login_unless_it_is_on_the_short_list(
    route: str, pattern: URLPattern, method: str, store: SessionStore, transactional_db: None
) -> None:
    response = await AsyncClient().generic(method, fill(route))
    assert_safe_headers(response)
    if pattern.name in OPEN_TO_ALL and not route.startswith("admin/"):
        assert response.status_code in {200, 404, 405} or response["Location"] == "/"  # back to where the switch is
    elif route.startswith(("api/", "v1/")):
        assert response.status_code in {401, 405}
        assert response.status_code == 405 or response["WWW-Authenticate"].startswith("Bearer")
    else:
        assert response.status_code == 302
        assert response["Location"].startswith("/login/")


@pytest.mark.parametrize("address", ["/nowhere", "/static/nothing.css", "/sessions/", "/%00", "/sessions/%0a/"])
async def test_answers_about_nothing_carry_the_headers_too(address: str, browser: AsyncClient, store: SessionStore) -> None:
    response = await browser.get(address)
    assert response.status_code in {400, 404}
    assert_safe_headers(response)


FAULTS = [
    (StorageUnavailable("The disk is asleep."), 503),
    (StorageFull("The disk is full."), 503),
    (ConfigurationError("COSMOSDB_ENDPOINT is odd."), 503),
    (SessionNotFound("session_x"), 404),
    (InvalidCursor("cursor", "'x' was not given out by a list."), 400),
    (RuntimeError("a secret"), 500),
]


@pytest.mark.parametrize(("fault", "status"), FAULTS, ids=[type(fault).__name__ for fault, _ in FAULTS])
@pytest.mark.parametrize("is_async", [True, False])
async def test_each_of_our_errors_has_its_page(
    fault: Exception, status: int, *, is_async: bool, browser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_async(request: object) -> None:
        raise fault

    def fail(request: object) -> None:
        raise fault

    monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path("fails", fail_async if is_async else fail)])
    clear_url_caches()
    browser.raise_request_exception = False
    response = await browser.get("/fails")
    clear_url_caches()
    assert response.status_code == status
    assert_safe_headers(response)
    text = response.content.decode()
    assert ("secret" not in text) if status == 500 else (str(fault).split(" ")[-1].strip(".") in text)
    assert ("Retry-After" in response) is isinstance(fault, StorageUnavailable)


def test_a_form_from_another_site_is_refused(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/logout/", headers={"origin": "https://evil.example"})
    assert response.status_code == 403
    assert_safe_headers(response)


class Unreachable:
    async def ping(self) -> None:
        raise StorageUnavailable("COSMOS at https://secret.example does not answer.")


async def test_health_answers_without_a_store_and_readiness_does_not(transactional_db: None) -> None:
    with use_store(Unreachable()):
        assert (await AsyncClient().get("/healthz")).status_code == 200
        response = await AsyncClient().get("/readyz")
    assert response.status_code == 503
    assert "secret" not in response.content.decode()


async def test_the_site_is_ready_when_the_store_answers(store: SessionStore, transactional_db: None) -> None:
    response = await AsyncClient().get("/readyz")
    assert response.status_code == 200


async def test_a_site_that_goes_down_is_not_ready(
    store: SessionStore, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.lifecycle._draining", True)
    assert (await AsyncClient().get("/readyz")).status_code == 503
