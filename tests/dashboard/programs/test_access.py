"""Who gets in: a token with the scope, not too often; and what the log tells of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest
from django.test import AsyncClient

from chatlog.errors import StorageUnavailable
from dashboard.models import ApiToken
from dashboard.programs import audit, known_tokens, throttle, tokens
from dashboard.programs.throttle import Throttle
from tests.dashboard.programs.program import Program

SESSIONS = "/api/v1/sessions"
MakeProgram = Callable[..., Awaitable[Program]]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + tokens.PREFIX + "x" * 43])
async def test_without_a_valid_token_nothing_is_told(program: Program, header: str) -> None:
    answer = await program.get(SESSIONS, authorization=header)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "create_token" in answer.json["detail"]


async def test_a_login_is_no_token(browser: AsyncClient, program: Program) -> None:
    assert (await browser.get(SESSIONS)).status_code == 401
    assert (await browser.post(SESSIONS, {"task": "x"}, content_type="application/json")).status_code == 401


async def test_a_token_does_what_its_scopes_say(make_program: MakeProgram) -> None:
    reader, writer = await make_program(may_write=False), await make_program(may_read=False)
    assert (await reader.get(SESSIONS)).status == 200
    assert (await reader.post(SESSIONS, {"task": "x"})).status == 403
    assert (await writer.post(SESSIONS, {"task": "x"})).status == 201
    answer = await writer.get(SESSIONS)
    assert answer.status == 403
    assert "may not read" in answer.json["detail"]


async def test_a_revoked_token_is_refused_when_it_is_looked_up_again(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await program.get(SESSIONS)).status == 200
    await ApiToken.objects.aupdate(revoked_at="2026-11-24T00:00:00Z")
    monkeypatch.setattr(known_tokens, "KNOWN_SECONDS", 0)
    assert (await program.get(SESSIONS)).status == 401


async def test_who_asks_too_often_is_told_when_to_go_on(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "BURST", 3.0)
    monkeypatch.setattr(throttle, "REQUESTS_PER_SECOND", 0.01)
    answers = [(await program.get(SESSIONS)).status for _ in range(3)]
    assert answers == [200, 200, 200]
    answer = await program.get(SESSIONS)
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 100


def test_a_bucket_fills_again_and_each_token_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: clock[0])
    bucket = Throttle()
    assert [bucket.take(1) for _ in range(int(throttle.BURST))] == [0.0] * int(throttle.BURST)
    assert 0 < bucket.take(1) <= 1 / throttle.REQUESTS_PER_SECOND
    assert bucket.take(2) == 0
    clock[0] += 1
    assert [bucket.take(1) for _ in range(int(throttle.REQUESTS_PER_SECOND))] == [0.0] * int(throttle.REQUESTS_PER_SECOND)
    assert bucket.take(1) > 0


async def test_what_is_changed_and_who_is_refused_is_logged_with_the_token_but_never_its_text(
    program: Program, make_program: MakeProgram, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_refusals", audit.Refusals())  # the tests before may have used up this second's lines
    caplog.set_level(logging.INFO, logger=audit.logger.name)
    caplog.clear()
    await program.post(SESSIONS, {"task": "x"})
    await program.get(SESSIONS)
    reader = await make_program(may_write=False)
    await reader.post(SESSIONS + "%0a", {"task": "x"})
    await reader.post(SESSIONS, {"task": "x"})
    await Program().get(SESSIONS)
    lines = [record.getMessage() for record in caplog.records if " was answered with " in record.getMessage()]
    assert [line.split(" was ")[1] for line in lines] == [
        "answered with 201 to 127.0.0.1",
        "answered with 404 to 127.0.0.1",
        "answered with 403 to 127.0.0.1",
        "answered with 401 to 127.0.0.1",
    ]
    assert program.token not in caplog.text
    assert "\n" not in "".join(lines)
    assert lines[-1].startswith("token unknown: GET")


async def test_a_flood_of_refusals_is_counted_not_written(
    program: Program, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(audit.time, "monotonic", lambda: clock[0])
    refusals = audit.Refusals()
    assert sum(refusals.count() for _ in range(50)) == audit.MOST_REFUSALS_PER_SECOND
    clock[0] += 1
    assert refusals.count()
    assert "40 more requests were refused" in caplog.text


async def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StorageUnavailable("The disk is asleep.")

    monkeypatch.setattr("dashboard.api.sessions.get_store", away)
    answer = await program.get(SESSIONS)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert "asleep" in answer.json["detail"]


async def test_a_fault_of_ours_is_logged_and_tells_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("dashboard.api.sessions.get_store", fail)
    answer = await program.get(SESSIONS)
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "a secret" in caplog.text
