from __future__ import annotations

from collections.abc import Callable

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from chatlog.storage.base import SessionStore
from dashboard.programs import tokens
from tests.dashboard.programs.program import Program


@pytest.fixture
async def program(user: User, store: SessionStore) -> Program:
    """A program with a token that may read and write."""
    return Program((await _create(user))[1])


@pytest.fixture
def make_program(user: User, store: SessionStore) -> Callable[..., object]:
    async def make(**options: object) -> Program:
        return Program((await _create(user, **options))[1])

    return make


@database_sync_to_async
def _create(user: User, **options: object) -> tuple[object, str]:
    return tokens.create_token(user, name="", by="a test", **options)
