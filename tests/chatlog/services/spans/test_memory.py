"""What a process remembers is bounded, and what it has forgotten it reads again."""

from __future__ import annotations

import pytest

from chatlog.services.spans import memory
from chatlog.services.spans.memory import SpanMemory
from chatlog.services.spans.span import Span
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import agent, model, span, text


def said(number: int, *, talk: str) -> Span:
    return model(text("assistant", f"{number}"), conversation=talk, start=number * 2)


def remembered(receiver: Receiver) -> dict[str, int]:
    return {session_id: len(discussion.heard) for session_id, discussion in receiver.memory._discussions.items()}


async def test_the_discussions_of_a_process_have_a_limit_together_and_the_longest_unused_go(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_REMARKS", 5)
    for talk, number in (("a", 1), ("b", 1), ("b", 2), ("a", 2), ("c", 1), ("c", 2)):
        await receiver.take(said(number, talk=talk))
    assert remembered(receiver) == {"a": 2, "c": 2}
    await receiver.take(agent(text("assistant", "1"), conversation="b", start=-1, end=99))
    assert [content for _, _, content in await receiver.told("b")] == ["1", "2"]


async def test_a_discussion_that_alone_is_over_the_limit_stays_while_it_is_the_last_one(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_REMARKS", 5)
    await receiver.take(*(said(number, talk="a") for number in range(9)))
    assert remembered(receiver) == {"a": 9}


async def test_a_discussion_that_is_at_work_is_not_forgotten(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setattr(memory, "MOST_REMARKS", 1)
    await receiver.take(said(1, talk="a"))
    async with receiver.memory.discussion("a").turn:
        await receiver.take(said(1, talk="b"))
        assert remembered(receiver) == {"a": 1, "b": 1}
    await receiver.take(said(2, talk="b"))
    assert remembered(receiver) == {"b": 2}


def test_how_spans_are_nested_is_remembered_of_the_last_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_SPANS", 3)
    remembers = SpanMemory()
    for trace in ("a", "b", "a", "c"):
        remembers.note_parents({trace: {f"{trace}{span().span_id}": ""}})
    assert {trace: len(parents) for trace, parents in remembers._parents.items()} == {"a": 2, "c": 1}
    remembers.note_parents({"d": {str(number): "" for number in range(9)}})
    assert {trace: len(parents) for trace, parents in remembers._parents.items()} == {"d": 9}
