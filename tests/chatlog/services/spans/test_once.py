"""Each remark is stored once, however often spans tell it; the same words at another turn are another remark."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.domain.models import MessageDraft
from chatlog.errors import StorageUnavailable
from chatlog.storage.sqlite.store import SqliteSessionStore
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import Talk, agent, call, exception, model, result, span, text, tool

WORDS = st.sampled_from(["yes", "no"])
ANSWERS = st.lists(WORDS, min_size=1, max_size=3)
TURNS = st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=2), ANSWERS, st.booleans()), min_size=1, max_size=3)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Talk, list[tuple[int, int]], list[bool]]:
    """A discussion, how its spans are cut into requests, what is sent again, and when another process receives."""
    talk = Talk(one_trace=draw(st.booleans()))
    for question, looks_up, answers, has_tool_span in draw(TURNS):
        talk.turn(question, looks_up=looks_up, answers=answers, has_tool_span=has_tool_span)
    cuts = sorted(draw(st.sets(st.integers(1, len(talk.spans)), max_size=4)) | {0, len(talk.spans)})
    requests = list(itertools.pairwise(cuts))
    again = [request for request in requests if draw(st.booleans())]
    return talk, requests + again, [draw(st.booleans()) for _ in range(len(requests) + len(again))]


@given(deliveries())
@settings(max_examples=40, deadline=None)
def test_any_discussion_is_stored_word_by_word_however_it_is_delivered(
    delivery: tuple[Talk, list[tuple[int, int]], list[bool]],
) -> None:
    talk, requests, elsewhere = delivery

    async def deliver() -> list[tuple[str, str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            async with SqliteSessionStore(Path(folder) / "chatlog.sqlite3") as store:
                here = Receiver(store)
                other = here.another()
                for (first, last), is_elsewhere in zip(requests, elsewhere, strict=True):
                    taken = await (other if is_elsewhere else here).take(*talk.spans[first:last])
                    assert taken.refused == []
                return await here.told()

    assert asyncio.run(deliver()) == talk.expected


async def test_the_same_words_at_two_turns_are_two_remarks(receiver: Receiver) -> None:
    history = [text("user", "yes"), text("assistant", "yes")]
    await receiver.take(
        model(text("assistant", "yes"), heard=history[:1], start=0), model(text("assistant", "yes"), heard=history * 2, start=5)
    )
    # The second question is not new to the model: its history ends with an answer.
    assert await receiver.told() == [("user", "text", "yes"), ("analyst", "text", "yes"), ("analyst", "text", "yes")]
    await receiver.take(model(text("assistant", "yes"), heard=[*history, text("user", "yes")], start=9))
    assert (await receiver.told())[3:] == [("user", "text", "yes"), ("analyst", "text", "yes")]


async def test_a_question_to_several_agents_of_one_trace_is_one_remark(receiver: Receiver) -> None:
    question = [text("user", "A name?")]
    for number, name in enumerate(("analyst", "planner", "critic")):
        await receiver.take(model(text("assistant", f"Name {number}"), heard=question, agent=name, start=number * 2))
    assert [source for source, _, _ in await receiver.told()] == ["user", "analyst", "planner", "critic"]


async def test_a_question_in_another_trace_is_another_remark_even_without_the_history(receiver: Receiver) -> None:
    question = [text("user", "Go on")]
    await receiver.take(model(text("assistant", "1"), heard=question, trace=1))
    await receiver.take(model(text("assistant", "2"), heard=question, trace=2, start=5))
    assert [content for _, _, content in await receiver.told()] == ["Go on", "1", "Go on", "2"]


async def test_examples_before_the_first_answer_are_not_part_of_the_discussion(receiver: Receiver) -> None:
    heard = [text("system", "Be short."), text("user", "2+2"), text("assistant", "4"), text("user", "3+3")]
    await receiver.take(model(text("assistant", "6"), heard=heard))
    assert await receiver.told() == [("user", "text", "3+3"), ("analyst", "text", "6")]


async def test_what_an_agent_gives_back_is_new_if_no_model_of_it_said_so(receiver: Receiver) -> None:
    crew = agent(text("assistant", "Edited"), name="crew", start=-1, end=6)
    analyst = agent(text("assistant", "Edited"), parent_id=crew.span_id, start=0, end=5)
    await receiver.take(model(text("assistant", "Draft"), start=1), analyst)
    await receiver.take(crew)
    assert await receiver.told() == [("analyst", "text", "Draft"), ("analyst", "text", "Edited")]


async def test_the_same_words_of_two_agents_one_after_the_other_are_two_remarks(receiver: Receiver) -> None:
    await receiver.take(agent(text("assistant", "yes"), start=0, end=5), agent(text("assistant", "yes"), start=5, end=9))
    assert await receiver.told() == [("analyst", "text", "yes")] * 2


async def test_two_instrumentations_of_one_call_tell_it_once(receiver: Receiver) -> None:
    inner = model(text("assistant", "Tokori"), parent_id=f"{99:016x}", start=1, end=2)
    outer = span(
        span_id=inner.parent_id,
        start=0,
        end=3,
        attributes={
            "openinference.span.kind": "LLM",
            "session.id": "talk",
            "agent.name": "analyst",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "Tokori",
        },
    )
    await receiver.take(inner)
    await receiver.take(outer)
    assert await receiver.told() == [("analyst", "text", "Tokori")]


async def test_two_agents_that_say_the_same_at_the_same_time_are_both_heard(receiver: Receiver) -> None:
    await receiver.take(
        model(text("assistant", "yes"), agent="planner", start=1, end=2), model(text("assistant", "yes"), start=0, end=3)
    )
    assert await receiver.told() == [("planner", "text", "yes"), ("analyst", "text", "yes")]


async def test_a_tool_that_knows_no_call_answers_the_one_with_its_arguments(receiver: Receiver) -> None:
    first, second = call("size", "a", of="x"), call("size", "b", of="y")
    await receiver.take(
        model(first, second, start=0, end=1),
        tool("size", None, '{"of": "y"}', "two", start=2, end=3),
        tool("size", None, '{"of": "x"}', "one", start=2, end=4),
        model(text("assistant", "."), heard=[first, second, result("a", "one"), result("b", "two")], start=5),
    )
    results = [message for message in await receiver.messages() if message.kind == "tool_result"]
    assert [(message.metadata["call_id"], message.content.split("\n")[2]) for message in results] == [
        ("b", "two"),
        ("a", "one"),
    ]


async def test_calls_that_a_model_numbers_from_one_each_time_keep_their_results(receiver: Receiver) -> None:
    asked = call("size", "call_1", of="x")
    history = [asked, result("call_1", "4,000")]
    await receiver.take(model(asked, start=0), model(asked, heard=history, start=5))
    await receiver.take(model(text("assistant", "."), heard=history * 2, start=9))
    kinds = [kind for _, kind, _ in await receiver.told()]
    assert kinds == ["tool_call", "tool_result", "tool_call", "tool_result", "text"]


async def test_a_tool_that_no_model_called_tells_its_call_too(receiver: Receiver) -> None:
    used = tool("size", None, '{"of": "x"}', "4,000", by="planner")
    await receiver.take(used)
    await receiver.another().take(used)
    assert await receiver.told() == [("planner", "tool_call", "size"), ("planner", "tool_result", "size")]


async def test_what_was_stored_of_a_span_before_a_failure_is_completed_when_it_is_sent_again(receiver: Receiver) -> None:
    moves = span(
        start=3,
        attributes={
            "openinference.span.kind": "TOOL",
            "session.id": "talk",
            "agent.name": "analyst",
            "tool.name": "ask_next",
            "input.value": "critic",
            "output.value": json.dumps(
                {"update": {"messages": [{"type": "tool", "data": {"content": "Done."}}]}, "goto": "critic"}
            ),
        },
    )
    await receiver.take(model(call("ask_next", "a"), call("ask_next", "b")), moves)
    *_, answered, handed_over = stored = await receiver.messages()
    await receiver.store.delete_session("talk")
    other = receiver.another()
    renamed = replace(moves, attributes=moves.attributes | {"session.id": "again"})
    await other.take(model(call("ask_next", "a"), call("ask_next", "b"), conversation="again"))
    half = {"message_id": answered.message_id, "kind": answered.kind, "metadata": answered.metadata}
    await other.store.append_messages(
        "again", [MessageDraft(source="analyst", content=answered.content, timestamp=answered.timestamp, **half)]
    )
    await other.take(renamed)
    await other.take(renamed)
    assert [kind for _, kind, _ in await other.told("again")] == [message.kind for message in stored]
    assert handed_over.metadata["target"] == "critic"


async def test_a_request_that_waited_for_one_that_failed_stores_what_that_could_not(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await receiver.take(model(text("assistant", "first")))
    append, may_fail = receiver.store.append_messages, asyncio.Event()

    async def fail_once(*_: object) -> None:
        monkeypatch.setattr(receiver.store, "append_messages", append)
        await may_fail.wait()
        raise StorageUnavailable("The disk is asleep.")

    monkeypatch.setattr(receiver.store, "append_messages", fail_once)
    second = model(text("assistant", "second"), start=3)
    turn = receiver.memory.discussion("talk").turn
    failing = asyncio.create_task(receiver.take(second))
    await _until(turn.locked)
    again = asyncio.create_task(receiver.take(second))
    await _until(lambda: bool(turn._waiters))
    may_fail.set()
    with pytest.raises(StorageUnavailable):
        await failing
    assert (await again).stored == 1
    assert [content for _, _, content in await receiver.told()] == ["first", "second"]


async def test_different_results_that_an_agent_gives_back_for_one_call_are_all_stored_once(receiver: Receiver) -> None:
    gives = agent(result("a", "one"), result("a", "two"), result("a", "one"))
    for process in (receiver, receiver, receiver.another()):
        await process.take(gives)
    assert [message.content for message in await receiver.messages()] == ["tool\n```\none\n```", "tool\n```\ntwo\n```"]


async def test_calls_that_an_agent_numbers_from_one_each_time_keep_their_results(receiver: Receiver) -> None:
    asked = call("size", "call_1", of="x")
    turns = [agent(asked, result("call_1", f"{turn}"), trace=turn, start=turn * 5) for turn in (1, 2)]
    for process in (receiver, receiver.another()):
        for turn in turns:
            await process.take(turn)
        assert [kind for _, kind, _ in await receiver.told()] == ["tool_call", "tool_result"] * 2


async def test_only_what_was_stored_is_counted(receiver: Receiver) -> None:
    said = model(text("assistant", "One"))
    clash = replace(said, attributes=said.attributes | {"gen_ai.agent.name": "somebody else"})
    taken = await receiver.take_behind(clash, model(text("assistant", "Two"), start=3), meanwhile=said)
    assert (taken.stored, taken.refused) == (1, [])


async def test_an_agent_repeats_a_call_in_other_words_but_with_its_id(receiver: Receiver) -> None:
    again = {"role": "assistant", "parts": [{"type": "tool_call", "id": "a", "name": "size", "arguments": "{'of': 'x'}"}]}
    await receiver.take(model(call("size", "a", of="x"), start=1, end=2), agent(again, start=0, end=3))
    assert await receiver.told() == [("analyst", "tool_call", "size")]


async def test_an_error_is_told_once_on_its_way_up(receiver: Receiver) -> None:
    failed = {"failed": True, "events": (exception("openai.RateLimitError", "Too many"),)}
    wrapped = {"failed": True, "events": (exception("RuntimeError", "RateLimitError: Too many\nTraceback …"),)}
    await receiver.take(model(start=1, end=2, **failed), agent(start=0, end=3, **failed))
    await receiver.take(agent(name="crew", start=-1, end=4, **wrapped))
    assert await receiver.told() == [("analyst", "error", "RateLimitError: Too many")]
    again = model(start=7, end=8, **failed)
    assert [(await receiver.take(again)).stored for _ in range(2)] == [1, 0]
    assert len(await receiver.told()) == 2


async def test_tokens_are_counted_once(receiver: Receiver) -> None:
    totals = {"attributes": {"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 14}}
    await receiver.take(
        model(text("assistant", "One"), call("size", "a"), start=1), model(text("assistant", "Two"), start=3, end=4)
    )
    await receiver.take(agent(text("assistant", "Summed up"), start=0, end=6, **totals))
    used = {message.kind: message.models_usage for message in await receiver.messages() if message.models_usage}
    tokens = {"prompt_tokens": 12, "completion_tokens": 7}
    assert used == {"tool_call": tokens, "text": tokens}
    await receiver.take(agent(text("assistant", "Alone"), start=10, end=12, **totals))
    assert (await receiver.messages())[-1].models_usage == {"prompt_tokens": 24, "completion_tokens": 14}


async def test_a_model_whose_answer_is_not_recorded_still_counts(receiver: Receiver) -> None:
    await receiver.take(model())
    (message,) = await receiver.messages()
    assert (message.kind, message.models_usage["prompt_tokens"]) == ("event", 12)
    assert "record content" in message.content


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a lock tells nobody who waits for it
            await asyncio.sleep(0.001)
