"""Things to test with: a dict of sensible values each, and what the test is about on top."""

from __future__ import annotations

import itertools
from typing import Any

from chatlog.domain.models import Message, MessageDraft, Session, draft_session

AGENTS = ("creative_planner", "market_analyst", "technical_validator", "business_evaluator", "user_advocate")

_numbers = itertools.count(1)


def make_draft(**overrides: Any) -> MessageDraft:
    number = next(_numbers)
    values: dict[str, Any] = {"source": AGENTS[number % len(AGENTS)], "content": f"Remark {number}: 空間を共有します。"}
    return MessageDraft(**values | overrides)


def make_drafts(count: int, **overrides: Any) -> list[MessageDraft]:
    return [make_draft(**overrides) for _ in range(count)]


def make_session(**overrides: Any) -> Session:
    """A session that is not stored yet."""
    return draft_session(**{"task": "リモートワーク時代の新しいコミュニケーションツール"} | overrides)


def make_message(*, session_id: str = "session_20261123_143022_test", sequence: int = 1, **overrides: Any) -> Message:
    return Message.from_draft(make_draft(**overrides), session_id=session_id, sequence=sequence)
