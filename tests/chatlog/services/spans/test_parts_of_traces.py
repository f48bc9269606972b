"""A program that works for another one has a part of a trace, and never sees its root."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatlog.domain.models import SessionStatus
from chatlog.services.spans.span import Span
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import agent, call, model, root, span, text

COMPLETED, FAILED, ACTIVE = SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.ACTIVE


def says(words: str, **values: Any) -> Span:
    return model(text("assistant", words), heard=[text("user", "A name?")], **values)


def part(**values: Any) -> Span:
    """The outermost span of this program, which another one called: what its web server does, for example."""
    return span(parent_is_elsewhere=True, **values)


async def status(receiver: Receiver) -> SessionStatus:
    return (await receiver.store.get_session("talk")).status


async def test_the_end_of_the_part_ends_the_session_of_which_no_root_comes(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1))
    assert await status(receiver) is ACTIVE
    await receiver.take(part(start=0, end=3))
    assert await status(receiver) is COMPLETED
    outer = replace(agent(start=4, end=9, trace=2, failed=True), parent_is_elsewhere=True)
    await receiver.take(says("2", start=5, trace=2), outer)
    assert await status(receiver) is FAILED


async def test_a_span_whose_parent_is_in_the_same_program_ends_nothing(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1), agent(start=0, end=3))
    assert await status(receiver) is ACTIVE


async def test_the_end_of_a_part_does_not_end_what_its_caller_goes_on_with(receiver: Receiver) -> None:
    await receiver.take(model(call("ask_other", "a"), start=0, end=1))
    for process in (receiver, receiver.another()):
        await process.take(says("Tokori", agent="other", start=3), part(start=2, end=5))
        assert await status(receiver) is ACTIVE
    await receiver.take(root(start=0, end=9))
    assert await status(receiver) is COMPLETED


async def test_parts_of_one_trace_end_the_session_one_after_the_other(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1), part(start=0, end=3), says("2", start=11))
    assert await status(receiver) is ACTIVE
    await receiver.take(part(start=10, end=13))
    assert await status(receiver) is COMPLETED
    await receiver.take(says("3", start=21), part(start=20, end=23), says("4", start=31), part(start=30, end=33))
    assert await status(receiver) is COMPLETED


async def test_a_part_that_is_sent_again_does_not_end_what_another_trace_began(receiver: Receiver) -> None:
    first = says("1", start=1), part(start=0, end=3)
    await receiver.take(*first)
    await receiver.take(says("2", start=5, trace=2))
    await receiver.take(*first)
    assert await status(receiver) is ACTIVE


async def test_what_comes_late_of_a_part_does_not_make_its_session_active(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1), part(start=0, end=9))
    await receiver.take(says("2", start=3))
    assert await status(receiver) is COMPLETED


async def test_a_part_that_outlives_the_root_changes_nothing(receiver: Receiver) -> None:
    await receiver.take(says("1", start=1), root(start=0, end=3, failed=True))
    await receiver.take(part(start=0.5, end=5))
    await receiver.take(says("2", start=6))
    assert await status(receiver) is FAILED
