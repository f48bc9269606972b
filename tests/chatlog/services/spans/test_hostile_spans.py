"""Spans that cannot be as they are: what can be stored is, the rest is refused with a reason, and neighbours are not harmed."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.domain.clock import utc_now
from chatlog.domain.models import Message, MessageDraft
from chatlog.errors import ItemTooLarge, StorageUnavailable
from chatlog.services.spans.dialects import read
from chatlog.services.spans.heard import MOST_REMEMBERED, Heard
from chatlog.services.spans.lineage import Lineage
from chatlog.services.spans.placing import Placing
from chatlog.services.spans.telling import Telling
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import SECOND, agent, call, model, result, span, text, tool
from tests.chatlog.services.spans.test_dialects import ANY_JSON, KNOWN

ASKED = [text("user", "A name?")]
# Deeper than anything can be written.
NESTED = functools.reduce(lambda inner, _: [inner], range(5_000), [])


def at(year: int) -> int:
    return int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize("ids", [{"trace_id": "0" * 32}, {"span_id": "0" * 16}, {"trace_id": "ab"}, {"span_id": ""}])
async def test_a_span_without_ids_is_refused_and_its_neighbours_are_stored(receiver: Receiver, ids: dict[str, str]) -> None:
    taken = await receiver.take(replace(model(text("assistant", "1")), **ids), model(text("assistant", "2")))
    assert (len(taken.refused), await receiver.told()) == (1, [("analyst", "text", "2")])
    assert "no ids" in taken.refused[0]


@pytest.mark.parametrize("moment", [0, at(1970), at(2500), 2**64 - 1])
async def test_a_clock_that_cannot_be_right_is_not_believed_and_the_order_is_kept(receiver: Receiver, moment: int) -> None:
    asked = call("size", "a", of="x")
    spans = [
        model(asked, heard=ASKED, start=0, end=1),
        tool("size", "a", '{"of": "x"}', "4,000", start=2, end=3),
        model(text("assistant", "."), heard=[*ASKED, asked, result("a", "4,000")], start=4, end=5),
    ]
    shift = min(moment, 2**64 - 1 - 5 * SECOND) - spans[0].start
    await receiver.take(*(replace(each, start=each.start + shift, end=each.end + shift) for each in spans))
    assert [kind for _, kind, _ in await receiver.told()] == ["text", "tool_call", "tool_result", "text"]
    assert all(utc_now() - message.timestamp < timedelta(minutes=1) for message in await receiver.messages())


async def test_a_span_that_ends_before_it_begins_is_taken_as_a_moment(receiver: Receiver) -> None:
    await receiver.take(model(text("assistant", "1"), heard=ASKED, start=5, end=1))
    assert len({message.timestamp for message in await receiver.messages()}) == 1


async def test_characters_that_no_store_keeps_are_replaced_and_noted(receiver: Receiver) -> None:
    await receiver.take(
        model(text("assistant", "a\x00b\ud800"), agent="ana\x00lyst", attributes={"gen_ai.response.model": "m\x00"})
    )
    (message,) = await receiver.messages()
    assert (message.source, message.content) == ("ana\ufffdlyst", "a\ufffdb\ufffd")
    assert (message.metadata["unstorable_replaced"], message.metadata["model"]) == (True, "m\ufffd")


@pytest.mark.parametrize(("sign", "size"), [("a", 1_100_000), ("\u0001", 200_000), ("空", 400_000), ("\ufdfa", 100_000)])
async def test_a_text_that_is_too_large_is_shortened_and_says_so(receiver: Receiver, sign: str, size: int) -> None:
    await receiver.take(
        model(text("assistant", sign * size), start=0),
        tool("size", "a", "{}", sign * size, start=3),
        model(text("assistant", "Neighbour"), start=5),
    )
    long, _, answer, neighbour = await receiver.messages()
    assert long.content.endswith(f"of {size:,} characters)")
    assert long.metadata["shortened_from"] == size
    assert answer.content.endswith("```")  # the mark of a block stays whole
    assert neighbour.content == "Neighbour"


async def test_arguments_that_only_fit_without_their_indentation_are_shortened(receiver: Receiver) -> None:
    given = "[" + "1," * 300_000 + "1]"
    await receiver.take(tool("size", "a", given, "4,000"), model(text("assistant", "Neighbour"), start=5))
    asked, _, neighbour = await receiver.messages()
    assert (asked.metadata["shortened_from"], neighbour.content) == (len(given), "Neighbour")


async def test_backticks_that_only_fit_without_their_fence_are_shortened(receiver: Receiver) -> None:
    await receiver.take(tool("size", "a", "{}", "`" * 900_000), model(text("assistant", "Neighbour"), start=5))
    _, answer, neighbour = await receiver.messages()
    assert (answer.metadata["shortened_from"], neighbour.content) == (900_000, "Neighbour")


async def test_names_that_are_too_large_are_shortened(receiver: Receiver) -> None:
    long = "n" * 3_000_000
    used = tool(long, "a", "{}", "4,000", by=long)
    await receiver.take(
        replace(used, name=long, resource={"service.name": long}), model(text("assistant", "Neighbour"), start=5)
    )
    asked, _, neighbour = await receiver.messages()
    assert (len(asked.content) < 2_000, neighbour.content) == (True, "Neighbour")
    assert (await receiver.store.get_session("talk")).metadata["service"] == "n" * 1_000


@pytest.mark.parametrize(("title", "task"), [(" ", "Work of analyst"), ("\n" * 100_001 + "Sizes", "Sizes")])
async def test_a_title_that_is_blank_or_begins_so_harms_nothing(receiver: Receiver, title: str, task: str) -> None:
    await receiver.take(model(text("assistant", "1"), attributes={"gen_ai.workflow.name": title}))
    assert (await receiver.store.get_session("talk")).task == task


async def test_a_question_that_begins_with_very_many_blanks_is_stored_and_names_the_session(receiver: Receiver) -> None:
    asked = " " * 100_001 + "A name?"
    await receiver.take(model(text("assistant", "1"), heard=[text("user", asked)]))
    assert (await receiver.messages())[0].content == asked
    assert (await receiver.store.get_session("talk")).task == "A name?"


async def test_words_that_are_nested_too_deeply_to_be_written_are_replaced(receiver: Receiver) -> None:
    await receiver.take(model(attributes={"gen_ai.output.messages": [{"role": "assistant", "content": NESTED}]}))
    assert await receiver.told() == [("analyst", "text", "(nested too deeply to be shown)")]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": NESTED, "content": "1"}]}]},
        {"gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "blob", "modality": NESTED}]}]},
        {"openinference.span.kind": NESTED},
        {"openinference.span.kind": "TOOL", "output.value": {"type": "tool", "data": {"content": "1", "tool_call_id": NESTED}}},
    ],
)
async def test_a_value_that_is_nested_too_deeply_harms_no_neighbour(receiver: Receiver, attributes: dict[str, Any]) -> None:
    await receiver.take(model(attributes=attributes), model(text("assistant", "2"), start=5))
    assert (await receiver.told())[-1] == ("analyst", "text", "2")


@pytest.mark.parametrize(
    "payload",
    [
        {"error": {"error_type": NESTED, "error_message": NESTED}},
        {"message": {"type": NESTED, "id": "1", "source": "a", "content": {"a": NESTED}}},
    ],
)
async def test_what_autogen_nests_too_deeply_harms_no_neighbour(receiver: Receiver, payload: dict[str, Any]) -> None:
    found = {"message": payload, "recipient_agent_type": "team_00000000-0000-4000-8000-000000000000"}
    relayed = span(attributes=found, scope="autogen SingleThreadedAgentRuntime")
    await receiver.take(relayed, model(text("assistant", "2"), start=5))
    assert await receiver.told() == [("analyst", "text", "2")]
    assert "nested too deeply" in (await receiver.messages("00000000-0000-4000-8000-000000000000"))[0].content


async def test_what_no_store_takes_is_refused_with_its_session_and_other_sessions_are_stored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = receiver.store.append_messages

    async def refuse_talk(session_id: str, drafts: list[MessageDraft]) -> list[Message]:
        if session_id == "talk":
            raise ItemTooLarge("content", "has three bytes; the limit is two.")
        return await append(session_id, drafts)

    monkeypatch.setattr(receiver.store, "append_messages", refuse_talk)
    taken = await receiver.take(model(text("assistant", "1")), model(text("assistant", "2"), conversation="other"))
    assert (taken.stored, taken.refused) == (1, ["content: has three bytes; the limit is two."])
    assert await receiver.told("other") == [("analyst", "text", "2")]


async def test_a_text_that_just_fits_is_kept_whole(receiver: Receiver) -> None:
    await receiver.take(model(text("assistant", "a" * 900_000)))
    assert len((await receiver.messages())[0].content) == 900_000


async def test_what_could_not_be_stored_is_told_when_it_is_sent_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [model(text("assistant", "1"), heard=ASKED), agent(text("assistant", "1"), start=-1, end=3)]
    with monkeypatch.context() as patched:

        async def fail(*_: object) -> None:
            raise StorageUnavailable("The disk is asleep.")

        patched.setattr(receiver.store, "append_messages", fail)
        with pytest.raises(StorageUnavailable):
            await receiver.take(*spans)
    await receiver.take(*spans)
    assert len(await receiver.told()) == 2


async def test_a_remark_that_another_process_stored_with_other_words_stands(receiver: Receiver) -> None:
    said = model(text("assistant", "One"))
    await receiver.take(said)
    clash = replace(said, attributes=said.attributes | {"gen_ai.agent.name": "somebody else"})
    await receiver.store.append_messages("talk", [MessageDraft(source="a", content="b")])
    receiver.memory.discussion("talk").heard = Heard()  # as if that had happened between reading and storing
    await receiver.take(clash, model(text("assistant", "Two"), start=3))
    assert [content for _, _, content in await receiver.told()] == ["One", "b", "Two"]


async def test_remarks_of_others_may_have_any_notes(receiver: Receiver) -> None:
    await receiver.take(model(text("assistant", "1")))
    for note in ({}, [], 7, "x", None):
        notes = dict.fromkeys(("trace_id", "span_id", "otel_type", "call_id", "tool", "occurrence"), note)
        for kind in ("text", "tool_call", "tool_result", "error"):
            await receiver.store.append_messages("talk", [MessageDraft(source="a", content="b", kind=kind, metadata=notes)])
    await receiver.take(model(text("assistant", "2"), call("size", "x"), heard=[result("x", "b")], start=3))
    assert (await receiver.told())[-2:] == [("analyst", "text", "2"), ("analyst", "tool_call", "size")]


def test_what_is_remembered_of_a_discussion_has_a_limit() -> None:
    heard = Heard()
    notes = {"trace_id": "t", "otel_type": "tool"}
    for number in range(MOST_REMEMBERED + 500):
        kind = "tool_call" if number % 2 else "error"
        heard.learn(
            MessageDraft(
                source="a", content=f"w{number}", kind=kind, metadata=notes | {"call_id": f"c{number}", "span_id": f"s{number}"}
            )
        )
    sizes = [
        len(heard._marks),
        len(heard._by_words),
        len(heard._asked),
        len(heard.calls),
        len(heard._open),
        len(heard._by_tools),
    ]
    assert max(sizes) <= MOST_REMEMBERED
    assert len(heard._errors) <= 200


@given(
    attributes=st.dictionaries(st.sampled_from(KNOWN), ANY_JSON, max_size=8),
    operation=st.sampled_from(["chat", "invoke_agent", "execute_tool"]),
    times=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
)
@settings(max_examples=200, deadline=None)
def test_whatever_a_span_tells_can_be_stored(attributes: dict[str, Any], operation: str, times: tuple[int, int]) -> None:
    made = span(attributes={**attributes, "gen_ai.operation.name": operation}, failed=times[0] % 2 == 0)
    made = replace(made, start=times[0], end=times[1])
    placed = Placing([(made, read(made))], known={}).place()
    drafts = list(Telling(Heard(), lineage=Lineage({}), now=utc_now()).tell(placed))
    assert all(isinstance(draft, MessageDraft) for draft in drafts)
