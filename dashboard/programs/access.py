"""Who may call what: a token in the `Authorization` header, its scopes, and how often."""

from __future__ import annotations

import math
from enum import StrEnum

from django.http import HttpRequest
from ninja.security.base import AuthBase

from dashboard.programs import known_tokens, throttle
from dashboard.programs.problems import Problem
from dashboard.programs.tokens import Grant, hash_token

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="chatlog"'}
_HOW = "Send “Authorization: Bearer chatlog_…”; one is made in the administration, or by `manage.py create_token`."
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"


class TokenAuth(AuthBase):
    """Puts the token's `Grant` into `request.auth`, and its hash into `request.token_hash`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    async def __call__(self, request: HttpRequest) -> Grant:
        text = read_token(request.headers.get("Authorization", ""))
        grant = await get_grant(text)
        request.token_hash = hash_token(text)  # type: ignore[attr-defined]  # for streams, which ask again
        # Kept on the request before it may be refused, so that the audit log can name the token.
        request.auth = grant  # type: ignore[attr-defined]
        check_scope(grant, self.scope)
        wait = throttle.current.get().take(grant.token_id)
        if wait:
            limit = f"{throttle.REQUESTS_PER_SECOND:g} requests a second"
            text = f"Token {grant.token_id} asks more often than {limit}. Send messages in lists of up to 1,000."
            raise Problem(429, text, headers={"Retry-After": str(math.ceil(wait))})
        return grant


def scope_of(method: str) -> Scope:
    """What a token needs for a request with this method, whatever its address."""
    return Scope.READ if method in _READING else Scope.WRITE


def read_token(header: str) -> str:
    """The token in an `Authorization` header. Raises `Problem`."""
    scheme, _, text = header.partition(" ")
    if not header:
        raise Problem(401, f"A token is needed. {_HOW}", headers=CHALLENGE)
    if scheme.lower() != "bearer":
        raise Problem(401, f"“{scheme[:20]}” is no way to log in here. {_HOW}", headers=CHALLENGE)
    return text.strip()


async def get_grant(text: str) -> Grant:
    """What a token allows. Raises `Problem`, and `DatabaseError`."""
    grant = await known_tokens.current.get().find(text)
    if grant is None:
        raise Problem(401, f"This token is unknown, revoked or over. {_HOW}", headers=CHALLENGE)
    return grant


def check_scope(grant: Grant, scope: Scope) -> None:
    """Raises `Problem`."""
    if not (grant.may_read if scope is Scope.READ else grant.may_write):
        raise Problem(403, f"Token {grant.token_id} may not {scope}. Make one with that scope.")


READ = TokenAuth(Scope.READ)
WRITE = TokenAuth(Scope.WRITE)
