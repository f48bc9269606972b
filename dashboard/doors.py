"""Addresses that are for programs: how large a body may be there, and how a server refuses one that no view will see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from dashboard.otlp.encodings import describe_failure
from dashboard.programs import problems


@dataclass(frozen=True, slots=True)
class Door:
    """Addresses with one beginning.

    Attributes:
        describe: content type and body of a refusal with this status and text, of a request with that content type.
    """

    prefix: str
    max_body_bytes: int
    describe: Callable[[int, str, str], tuple[str, bytes]]


def _as_problem(status: int, text: str, content_type: str) -> tuple[str, bytes]:
    return problems.CONTENT_TYPE, json.dumps(problems.describe_refusal(status, text)).encode()


def _as_otlp(status: int, text: str, content_type: str) -> tuple[str, bytes]:
    return describe_failure(content_type, text)


API = Door(settings.API_PREFIX, settings.MAX_API_BODY_BYTES, _as_problem)
OTLP = Door(settings.OTLP_PREFIX, settings.MAX_OTLP_BODY_BYTES, _as_otlp)


def find_door(path: str) -> Door | None:
    """Whose address it is; `None` for people's."""
    return next((door for door in (API, OTLP) if path.startswith(door.prefix)), None)
