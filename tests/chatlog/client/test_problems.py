"""Only the site itself refuses something for good. Everything else is a reason to wait."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from chatlog.client.problems import LONGEST_RETRY_AFTER_SECONDS, Away, Refusal, TokenRefused, find_problem
from chatlog.errors import (
    IdempotencyConflict,
    InvalidCursor,
    InvalidInput,
    ItemTooLarge,
    SessionExists,
    SessionNotFound,
    StorageDenied,
)


def found(status: int, *errors: dict[str, Any], **headers: str) -> Exception:
    headers = {"Content-Type": "application/problem+json; charset=utf-8"} | {n.replace("_", "-"): v for n, v in headers.items()}
    body = json.dumps({"detail": "what is wrong", "errors": list(errors)}).encode()
    return find_problem(status, headers, body, site="https://site.example")


def found_page(status: int) -> Exception:
    return find_problem(status, {"Content-Type": "text/html"}, b"<h1>Sorry</h1>", site="https://site.example")


@pytest.mark.parametrize(
    ("status", "field", "kind"),
    [
        (404, "session_id", SessionNotFound),
        (409, "session_id", SessionExists),
        (409, "message_id", IdempotencyConflict),
        (413, "content", ItemTooLarge),
        (422, "cursor", InvalidCursor),
        (422, "timestamp", InvalidInput),
    ],
)
def test_what_the_site_refuses_for_good_is_the_error_of_any_other_store(status: int, field: str, kind: type[Exception]) -> None:
    refusal = found(status, {"field": field, "message": "is wrong.", "value": "x"})
    assert isinstance(refusal, Refusal)
    assert type(refusal.as_error(session_id="s")) is kind


def test_a_refusal_knows_its_place_in_the_list() -> None:
    refusal = found(422, {"field": "[17].metadata", "message": "is wrong."})
    assert isinstance(refusal, Refusal)
    assert (refusal.place, refusal.field) == (17, "metadata")


def test_a_refusal_without_a_field_is_about_the_body() -> None:
    refusal = found(422)
    assert isinstance(refusal, Refusal)
    assert (refusal.place, str(refusal.as_error(session_id="s"))) == (None, "body: what is wrong")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 409, 422, 500, 502, 503, 504, 511])
def test_what_somebody_else_answers_is_the_site_being_away(status: int) -> None:
    away = found_page(status)
    assert type(away) is Away
    assert "https://site.example" in str(away)


def test_a_proxy_that_takes_less_than_the_site_is_believed_and_named() -> None:
    refusal = found_page(413)
    assert isinstance(refusal, Refusal)
    assert str(refusal) == "https://site.example answered 413: a proxy in front of it takes less than the site itself."


@pytest.mark.parametrize("status", [400, 405, 408, 415, 429, 500, 503])
def test_what_may_pass_or_is_not_understood_is_tried_again(status: int) -> None:
    assert type(found(status)) is Away


def test_an_address_without_an_api_refuses_nothing_for_good() -> None:
    assert type(found(404)) is Away


def test_a_token_that_is_over_and_one_that_may_not_are_told_apart() -> None:
    assert type(found(401)) is TokenRefused
    assert type(found(403)) is StorageDenied


def test_a_site_that_has_moved_is_not_followed_but_named() -> None:
    assert "https://new.example/" in str(found(301, Location="https://new.example/"))


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b"[" * 100_000])
def test_a_problem_that_cannot_be_read_is_none(body: bytes) -> None:
    assert type(find_problem(422, {"Content-Type": "application/problem+json"}, body, site="s")) is Away


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("", 0), ("soon", 0), ("-3", 0), ("1e9", 0), ("99999999", LONGEST_RETRY_AFTER_SECONDS)],
)
def test_retry_after_is_read_in_seconds(text: str, seconds: float) -> None:
    away = found(503, Retry_After=text)
    assert isinstance(away, Away)
    assert away.retry_after == seconds


def test_retry_after_is_read_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    away = found(503, Retry_After=later)
    assert isinstance(away, Away)
    assert 50 < away.retry_after <= 60


def test_a_page_is_quoted_by_its_words() -> None:
    page = b"<html><head><style>b { }</style><title>502 Bad\n Gateway</title></head><body><b>nginx</b></body>"
    away = find_problem(502, {"Content-Type": "text/html"}, page + b"x" * 1_000, site="https://site.example")
    assert str(away).startswith("https://site.example answered 502, not in the words of chatlog's API. A proxy, a login page,")
    assert "It says: '502 Bad Gateway nginx xxx" in str(away)
    assert len(str(away)) < 400
