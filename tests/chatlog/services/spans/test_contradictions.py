"""A span that was sent before and says something else now is refused, and what is stored stays; sent again it is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chatlog.services.spans.span import Span
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import agent, exception, model, text, tool

NEIGHBOUR = model(text("assistant", "Neighbour"), trace=2, start=50)
MadeOf = Callable[[str], Span]


def failed(words: str) -> Span:
    return agent(failed=True, events=(exception("ValueError", words),))


KINDS: dict[str, MadeOf] = {
    "an answer": lambda words: model(text("assistant", words)),
    "an outcome": lambda words: agent(text("assistant", words)),
    "a call": lambda words: tool("size", None, f'{{"of": "{words}"}}', None),
    "a call with an id": lambda words: tool("size", "a", f'{{"of": "{words}"}}', None),
    "a result": lambda words: tool("size", None, "{}", words),
    "an error": failed,
}
each_kind = pytest.mark.parametrize("made_of", KINDS.values(), ids=KINDS.keys())


def as_it_was_sent(first: Span, later: Span) -> Span:
    return replace(later, span_id=first.span_id)


@each_kind
async def test_other_words_in_the_same_span_are_refused_and_nothing_is_changed(receiver: Receiver, made_of: MadeOf) -> None:
    said = made_of("A short name")
    other = as_it_was_sent(said, made_of("Quite another name"))
    await receiver.take(said)
    stored = await receiver.messages()
    for process in (receiver, receiver, receiver.another()):
        taken = await process.take(other, NEIGHBOUR)
        (reason,) = taken.refused
        assert "'talk', which stays" in reason
        assert any(repr(message.message_id) in reason for message in stored)
        assert (await process.take(said, NEIGHBOUR)).refused == []
    *before, neighbour = await receiver.messages()
    assert (before, neighbour.content) == (stored, "Neighbour")


@each_kind
async def test_what_another_process_stores_meanwhile_stands_and_other_words_are_refused(
    receiver: Receiver, made_of: MadeOf
) -> None:
    said = made_of("A short name")
    other = as_it_was_sent(said, made_of("Quite another name"))
    taken = await receiver.take_behind(other, NEIGHBOUR, meanwhile=said)
    assert len(taken.refused) == 1
    assert len((await receiver.take(other)).refused) == 1
    assert (await receiver.take(said)).refused == []
    told = [message.content for message in await receiver.messages()]
    assert ("Neighbour" in told, "Quite another name" in "".join(told)) == (True, False)


async def test_of_two_versions_in_one_request_the_first_is_stored(receiver: Receiver) -> None:
    said = model(text("assistant", "One"))
    taken = await receiver.take(said, as_it_was_sent(said, model(text("assistant", "Two"))))
    assert (len(taken.refused), await receiver.told()) == (1, [("analyst", "text", "One")])


async def test_a_span_is_counted_once_however_many_of_its_remarks_are_refused(receiver: Receiver) -> None:
    said = model(text("assistant", "One"), text("assistant", "Two"))
    await receiver.take(said)
    taken = await receiver.take(as_it_was_sent(said, model(text("assistant", "1"), text("assistant", "2"))))
    assert len(taken.refused) == 1


async def test_the_same_words_are_the_same_remark_whoever_is_said_to_have_said_them(receiver: Receiver) -> None:
    said = model(text("assistant", "One"), agent=None, attributes={"gen_ai.response.model": "m"})
    await receiver.take(said)
    named = replace(said, attributes=said.attributes | {"gen_ai.agent.name": "analyst"})
    assert (await receiver.take(named)).refused == []
    assert (await receiver.another().take(named)).refused == []
    assert len(await receiver.messages()) == 1


async def test_a_name_with_line_breaks_stays_on_one_line_of_the_reason(receiver: Receiver) -> None:
    said = model(text("assistant", "One"), name="a\nb" + "x" * 1_000)
    await receiver.take(said)
    taken = await receiver.take(replace(as_it_was_sent(said, model(text("assistant", "Two"))), name=said.name))
    assert "\n" not in taken.refused[0]
    assert len(taken.refused[0]) < 500
