"""Tokens of the HTTP API: shown once, kept as a hash, over when they are revoked or expire."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from dashboard.models import ApiToken
from dashboard.programs import known_tokens, tokens
from dashboard.programs.known_tokens import KnownTokens


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_user("ann")


def run(*arguments: object, **options: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def create(*arguments: object) -> str:
    return run("create_token", "ann", *arguments).strip()


def find(text: str) -> tokens.Grant | None:
    token_hash = tokens.hash_token(text)
    return tokens.find_grants([token_hash]).get(token_hash)


def test_a_token_is_printed_once_and_stored_only_as_a_hash(ann: User) -> None:
    text = create("--name", "agents on host 7")
    assert tokens.looks_like_token(text)
    stored = ApiToken.objects.get()
    assert text not in str({**stored.__dict__})
    assert text[len(tokens.PREFIX) :] not in str({**stored.__dict__})
    listed = run("list_tokens")
    assert "agents on host 7" in listed
    assert text not in listed
    assert stored.token_hash not in listed


def test_a_token_allows_what_it_was_made_for(ann: User) -> None:
    both, reading, writing = (find(create(*options)) for options in ([], ["--scope=read"], ["--scope=write"]))
    assert (both.may_read, both.may_write) == (True, True)
    assert (reading.may_read, reading.may_write) == (True, False)
    assert (writing.may_read, writing.may_write) == (False, True)


def test_a_revoked_token_allows_nothing_and_stays_in_the_full_list(ann: User) -> None:
    text, other = create(), create()
    number = ApiToken.objects.get(token_hash=tokens.hash_token(text)).pk
    assert run("revoke_token", number) == "Revoked 1 token.\n"
    assert find(text) is None
    assert find(other) is not None
    assert run("revoke_token", number) == "Revoked 0 tokens.\n"
    assert len(run("list_tokens").splitlines()) == 2
    assert "revoked 2" in run("list_tokens", "--all")


def test_all_tokens_of_a_user_can_be_revoked_at_once(ann: User) -> None:
    texts = [create(), create()]
    assert run("revoke_token", "--user", "ann") == "Revoked 2 tokens.\n"
    assert [find(text) for text in texts] == [None, None]


def test_a_token_ends_with_its_days(ann: User) -> None:
    text = create("--days", "1")
    assert find(text) is not None
    ApiToken.objects.update(expires_at=timezone.now())
    assert find(text) is None
    assert len(run("list_tokens").splitlines()) == 1


def test_the_tokens_of_somebody_who_may_not_log_in_any_more_are_worth_nothing(ann: User) -> None:
    text = create()
    User.objects.update(is_active=False)
    assert find(text) is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("create_token", "nobody"), "no user 'nobody'.*createsuperuser"),
        (("create_token", "ann", "--days=0"), "from 1 to 3,660"),
        (("create_token", "ann", "--name", "x" * 101), "101 characters; the limit is 100"),
        (("revoke_token",), "--user"),
        (("revoke_token", "77"), "no token 77"),
    ],
)
def test_what_cannot_be_done_is_said(ann: User, arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as error:
        run(*arguments)
    assert error.value.returncode == 2


@pytest.mark.django_db
def test_on_a_site_that_was_not_set_up_it_says_so() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user RENAME TO not_yet")  # undone with the test's transaction
    with pytest.raises(CommandError, match=r"no such table: auth_user.*manage\.py migrate") as error:
        create()
    assert error.value.returncode == 2


def test_the_last_use_is_noted_once_a_minute(ann: User, django_assert_num_queries: object) -> None:
    text = create()
    with django_assert_num_queries(2):
        find(text)
    assert ApiToken.objects.get().last_used_at is not None
    with django_assert_num_queries(1):
        find(text)
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=1))
    with django_assert_num_queries(2):
        find(text)


def test_a_use_that_cannot_be_noted_keeps_nobody_out(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("read-only")

    text = create()
    monkeypatch.setattr("django.db.models.query.QuerySet.update", fail)
    assert find(text) is not None


async def test_a_token_is_looked_up_again_after_two_seconds_and_by_many_at_once_only_once(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    clock = [100.0]

    async def look(hashes: list[str]) -> dict[str, tokens.Grant]:
        asked.append(hashes)
        return {hashes[0]: tokens.Grant(len(asked), may_read=True, may_write=True, expires_at=None)}

    monkeypatch.setattr(known_tokens, "_find_grants", look)
    monkeypatch.setattr(known_tokens.time, "monotonic", lambda: clock[0])
    known, text = KnownTokens(), tokens.PREFIX + "x" * 43
    first, second = known.find(text), known.find(text)
    assert (await first, await second) == (await known.find(text), await known.find(text))
    assert len(asked) == 1
    clock[0] += known_tokens.KNOWN_SECONDS + 0.1
    grant = await known.find(text)
    assert grant is not None
    assert grant.token_id == 2
    assert text not in repr(known.__dict__)


def test_a_revoked_token_is_looked_up_again_in_time() -> None:
    assert known_tokens.KNOWN_SECONDS < 5


async def test_what_cannot_be_a_token_never_reaches_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_tokens, "_find_grants", None)
    for text in ("", "x", tokens.PREFIX, tokens.PREFIX + "ä" * 43, tokens.PREFIX + "x" * 44, "x" * 100_000):
        assert await KnownTokens().find(text) is None


async def test_a_look_up_that_failed_is_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[object] = [DatabaseError("away"), {}]

    async def look(hashes: list[str]) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(known_tokens, "_find_grants", look)
    known, text = KnownTokens(), tokens.PREFIX + "x" * 43
    with pytest.raises(DatabaseError):
        await known.find(text)
    assert await known.find(text) is None


async def test_made_up_tokens_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(hashes: list[str]) -> dict[str, tokens.Grant]:
        return {}

    monkeypatch.setattr(known_tokens, "_find_grants", look)
    monkeypatch.setattr(known_tokens, "MOST_KNOWN", 10)
    known = KnownTokens()
    for number in range(30):
        await known.find(tokens.PREFIX + f"{number:043}")
    assert len(known._known) == 10
