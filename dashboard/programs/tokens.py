"""Tokens: made, shown once, looked up by their hash, revoked. The only module that knows how they are stored."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from dashboard.models import ApiToken

logger = logging.getLogger(__name__)
audit = logging.getLogger("dashboard.programs.audit")
# The beginning says to whoever finds one in a log or a repository what it is, and lets scanners for secrets find it first.
PREFIX = "chatlog_"
RANDOM_BYTES = 32
_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
MAX_DAYS = 3_660
BY_COMMAND = "manage.py"  # in the log, in the place of somebody who is logged in
LAST_USED_EVERY = timedelta(minutes=1)


class TokenState(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"
    OVER = "over"
    BARRED = "barred"  # its owner may not log in any more


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, as it stood when it was looked up."""

    token_id: int
    may_read: bool
    may_write: bool
    expires_at: datetime | None


def create_token(
    user: User, *, name: str, by: str, may_read: bool = True, may_write: bool = True, days: int | None = None
) -> tuple[ApiToken, str]:
    """A new token, and its text, which nobody can find out again. `by` says for the log who made it.

    Without `days` it is valid until it is revoked.
    """
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    token = ApiToken.objects.create(
        user=user, name=name, token_hash=hash_token(text), may_read=may_read, may_write=may_write, expires_at=expires_at
    )
    audit.info("token %d created for %r by %r", token.pk, user.get_username(), by)
    return token, text


def revoke_tokens(tokens: QuerySet[ApiToken], *, by: str) -> int:
    """Make them worthless within 5 s in every process; returns how many were not revoked before."""
    numbers = list(tokens.filter(revoked_at=None).values_list("pk", flat=True))
    for number in numbers:
        audit.info("token %d revoked by %r", number, by)
    return ApiToken.objects.filter(pk__in=numbers, revoked_at=None).update(revoked_at=timezone.now())


def hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def looks_like_token(text: str) -> bool:
    """Whether it is worth asking the database about."""
    return _FORM.fullmatch(text) is not None


def find_grants(hashes: list[str]) -> dict[str, Grant]:
    """What the tokens with these hashes allow now; one that is unknown, revoked or over is not in it."""
    now = timezone.now()
    found = {token.token_hash: token for token in list_valid(now=now).filter(token_hash__in=hashes)}
    _note_use([token for token in found.values() if _is_note_due(token, now)], now)
    return {
        token_hash: Grant(token.pk, token.may_read, token.may_write, token.expires_at) for token_hash, token in found.items()
    }


def list_valid(*, now: datetime) -> QuerySet[ApiToken]:
    """What lets somebody in; `state_of` says the same of one token."""
    is_in_time = Q(expires_at=None) | Q(expires_at__gt=now)
    return ApiToken.objects.filter(is_in_time, revoked_at=None, user__is_active=True)


def state_of(token: ApiToken, *, now: datetime) -> TokenState:
    if token.revoked_at is not None:
        return TokenState.REVOKED
    if token.expires_at is not None and token.expires_at <= now:
        return TokenState.OVER
    return TokenState.VALID if token.user.is_active else TokenState.BARRED


def _is_note_due(token: ApiToken, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at >= LAST_USED_EVERY


def _note_use(tokens: list[ApiToken], now: datetime) -> None:
    if not tokens:
        return
    try:
        ApiToken.objects.filter(pk__in=[token.pk for token in tokens]).update(last_used_at=now)
    except DatabaseError as error:  # a database that cannot be written now must not keep a valid token out
        logger.warning("The last use of %d API tokens was not noted: %s", len(tokens), error)
