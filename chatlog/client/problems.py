"""What an answer means that is not the one hoped for: refused for good, a token that is not good enough, or try again.

Only the site itself can refuse something for good, and it says so as a problem (RFC 9457). Whatever else may answer in its
place, such as a proxy, a login page of the network or another program, is taken for the site being away.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from chatlog.errors import (
    ChatlogError,
    IdempotencyConflict,
    InvalidCursor,
    InvalidInput,
    ItemTooLarge,
    SessionExists,
    SessionNotFound,
    StorageDenied,
    StorageUnavailable,
)

CONTENT_TYPE = "application/problem+json"
# Nobody means to send us away for longer; a clock that is wrong on the other side might.
LONGEST_RETRY_AFTER_SECONDS = 3_600.0
_MOST_SHOWN_CHARACTERS = 200
_MOST_LOOKED_AT_BYTES = 4_000
# Too many requests, or nobody there behind the proxy: whatever is sent, the answer will be the same.
_WHOLE_SITE = frozenset({429, 502, 503, 504})


class Away(StorageUnavailable):
    """The site did not answer, or did not answer as the site: sending the same again later may work.

    Attributes:
        retry_after: how many seconds the site asked to be left alone; 0 if it did not.
        is_answer: whether somebody answered this very request, and said nothing of others, which may fare better.
    """

    retry_after = 0.0
    is_answer = False

    @classmethod
    def answered(cls, text: str) -> Away:
        """For an answer that says nothing of other requests."""
        away = cls(text)
        away.is_answer = True
        return away


class TokenRefused(StorageDenied):
    """The token is unknown, revoked or over. With another one, the same call works."""


class Refusal(Exception):
    """The site has read what was sent, and will never take it.

    Attributes:
        status: 404, 409, 413 or 422.
        field: what is wrong, without its place in a list; empty if the site does not say.
        place: which one of a list is at fault; `None` if that is not known.
        value: what was sent there, perhaps shortened.
    """

    def __init__(self, status: int, detail: str, errors: list[Any]) -> None:
        super().__init__(detail)
        self.status = status
        first = errors[0] if errors and isinstance(errors[0], dict) else {}
        where = re.fullmatch(r"(?:\[(\d+)\]\.?)?(.*)", str(first.get("field", "")), re.DOTALL)
        assert where is not None
        self.place = None if where[1] is None else int(where[1])
        self.field = where[2]
        self.message = str(first.get("message", detail))
        self.value = first.get("value")

    def as_error(self, *, session_id: str) -> ChatlogError:
        """The error that any other store would have raised."""
        if self.status == 404:
            return SessionNotFound(session_id)
        if self.status == 409 and self.field == "message_id":
            return IdempotencyConflict(session_id, str(self.value))
        if self.status == 409:
            return SessionExists(session_id)
        kind = ItemTooLarge if self.status == 413 else InvalidCursor if self.field == "cursor" else InvalidInput
        return kind(self.field or "body", self.message)


def find_problem(status: int, headers: Mapping[str, str], body: bytes, *, site: str) -> Exception:
    """What an answer means that is no success: a `Refusal`, a `StorageDenied` or an `Away`."""
    problem = _read_problem(headers, body)
    detail = str(problem.get("detail", ""))[:1_000]
    errors = problem.get("errors")
    said = f"{site} answered {status}" + ("." if problem else ": a proxy in front of it takes less than the site itself.")
    refusal = Refusal(status, detail or said, errors if isinstance(errors, list) else [])
    # A proxy with a limit of its own says 413 in its own words, and means it.
    if status == 413 or (problem and (status in {409, 422} or (status == 404 and refusal.field == "session_id"))):
        return refusal
    if problem and status == 401:
        return TokenRefused(f"{site} refuses the token: {detail}")
    if problem and status == 403:
        return StorageDenied(f"{site} refuses: {detail}")
    if 300 <= status < 400:
        return Away.answered(
            f"{site} sends elsewhere: to {headers.get('Location', 'nowhere')!r}. Use that address, if it is right."
        )
    text = detail or _in_short(body)
    words = "" if problem else ", not in the words of chatlog's API. A proxy, a login page, a wrong address? It says"
    away = Away(f"{site} answered {status}{words}: {text!r}.")
    away.retry_after = _read_retry_after(headers.get("Retry-After", ""))
    away.is_answer = status not in _WHOLE_SITE and not away.retry_after
    return away


def _in_short(body: bytes) -> str:
    """The first words of a page, without what it is made of."""
    page = body[:_MOST_LOOKED_AT_BYTES].decode(errors="replace")
    words = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL | re.IGNORECASE).split()
    return " ".join(words)[:_MOST_SHOWN_CHARACTERS]


def _read_problem(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """The problem, or nothing: whoever answered something else is not the site."""
    if headers.get("Content-Type", "").partition(";")[0].strip() != CONTENT_TYPE:
        return {}
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _read_retry_after(text: str) -> float:
    """Seconds, from the number or the date that the header may hold (RFC 9110, section 10.2.3)."""
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)
