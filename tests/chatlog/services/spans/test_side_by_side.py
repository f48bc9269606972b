"""The same words said by several at the same time are as many remarks; what repeats them from around is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from chatlog.domain.models import MessageDraft
from chatlog.services.spans.span import Span
from tests.chatlog.services.spans.conftest import Receiver
from tests.chatlog.services.spans.making import agent, call, exception, model, result, root, span, text

QUESTION = [text("user", "Yes or no?")]
LIMIT = {"failed": True, "events": (exception("openai.RateLimitError", "429 too many requests"),)}
VOTES = ["Yes", "Yes", "No", "Yes"]
RUN = f"{77:016x}"

Take = Callable[..., Awaitable[None]]


@pytest.fixture(params=["in one request", "one by one", "after restarts", "again and again"])
def take(request: pytest.FixtureRequest, receiver: Receiver) -> Take:
    """However spans may come, in the order in which they ended."""

    async def deliver(*spans: Span) -> None:
        match request.param:
            case "in one request":
                await receiver.take(*spans)
            case "one by one":
                for each in spans:
                    await receiver.take(each)
            case "after restarts":
                for each in spans:
                    await receiver.another().take(each)
            case "again and again":
                for process in (receiver, receiver, receiver.another()):
                    await process.take(*spans)

    return deliver


def votes(**values: Any) -> list[Span]:
    """One agent asks several times at once; the times overlap and are not nested."""
    said = enumerate(VOTES)
    return [
        model(text("assistant", vote), heard=QUESTION, start=1 + n / 100, end=2 + n / 100, **{"parent_id": RUN, **values})
        for n, vote in said
    ]


async def texts(receiver: Receiver) -> list[str]:
    return [content for _, _, content in await receiver.told()]


async def test_each_of_several_answers_at_the_same_time_is_stored_with_its_tokens(receiver: Receiver, take: Take) -> None:
    around = agent(*(text("assistant", vote) for vote in VOTES), span_id=RUN, parent_id="", start=0, end=9)
    await take(*votes(), around)
    assert await texts(receiver) == ["Yes or no?", *VOTES]
    assert [m.models_usage is not None for m in await receiver.messages()] == [False, True, True, True, True]


async def test_answers_at_the_same_time_below_spans_that_have_not_ended_are_stored(receiver: Receiver, take: Take) -> None:
    asked = [replace(vote, parent_id=f"{100 + n:016x}") for n, vote in enumerate(votes())]
    steps = [span(span_id=each.parent_id, parent_id=RUN, start=0, end=5) for each in asked]
    around = agent(*(text("assistant", vote) for vote in VOTES), span_id=RUN, parent_id="", start=0, end=9)
    await take(*asked, *steps, around)
    assert await texts(receiver) == ["Yes or no?", *VOTES]


async def test_each_of_several_agents_that_agree_is_heard_with_its_tokens(receiver: Receiver, take: Take) -> None:
    used = {"attributes": {"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 14}}
    names = ["ana", "bob", "cyd"]
    agents = [
        agent(text("assistant", "Approve"), name=name, parent_id=RUN, start=1 + n / 100, end=2 + n / 100, **used)
        for n, name in enumerate(names)
    ]
    await take(*agents, root(span_id=RUN))
    assert await receiver.told() == [(name, "text", "Approve") for name in names]
    assert [m.models_usage for m in await receiver.messages()] == [{"prompt_tokens": 24, "completion_tokens": 14}] * 3


async def test_each_of_several_agents_that_agree_is_heard_inside_steps_of_their_own(receiver: Receiver, take: Take) -> None:
    used = {"attributes": {"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 14}}
    spans = []
    for number, name in enumerate(["ana", "bob"]):
        times = {"start": 1 + number / 100, "end": 2 + number / 100}
        step = span(parent_id=RUN, **times)
        spans += [agent(text("assistant", "Approve"), name=name, parent_id=step.span_id, **times, **used), step]
    await take(*spans, root(span_id=RUN))
    assert await receiver.told() == [("ana", "text", "Approve"), ("bob", "text", "Approve")]
    assert all(message.models_usage for message in await receiver.messages())


async def test_each_of_several_runs_of_one_agent_is_heard_when_what_is_around_them_has_come(receiver: Receiver) -> None:
    steps = [span(parent_id=RUN, end=2 + number) for number in range(2)]
    runs = [agent(text("assistant", "Yes"), parent_id=step.span_id, start=0.5, end=1 + n / 100) for n, step in enumerate(steps)]
    await receiver.take(*runs, *steps)
    assert await texts(receiver) == ["Yes", "Yes"]


async def test_an_answer_that_came_through_a_span_between_two_instrumentations_is_told_once(receiver: Receiver) -> None:
    outer = model(text("assistant", "Tokori"), start=0, end=3)
    between = span(parent_id=outer.span_id, start=0.5, end=2.5)
    for each in (model(text("assistant", "Tokori"), parent_id=between.span_id, start=1, end=2), between, outer):
        await receiver.take(each)
    assert await texts(receiver) == ["Tokori"]


async def test_calls_of_several_agents_that_number_theirs_alike_are_all_stored(receiver: Receiver, take: Take) -> None:
    used = [call("size", "call_1", of="x"), result("call_1", "4,000"), text("assistant", "Approve")]
    await take(
        *(agent(*used, name=name, parent_id=RUN, start=n / 100, end=2 + n / 100) for n, name in enumerate(["ana", "bob"]))
    )
    assert [kind for _, kind, _ in await receiver.told()] == ["tool_call", "tool_result", "text"] * 2


async def test_each_of_several_agents_that_fail_alike_is_told(receiver: Receiver, take: Take) -> None:
    failing = [
        agent(name=name, parent_id=RUN, start=1 + n / 100, end=2 + n / 100, **LIMIT) for n, name in enumerate(["dan", "eve"])
    ]
    await take(*failing, agent(name="crew", span_id=RUN, parent_id="", start=0, end=9, **LIMIT))
    assert [source for source, _, _ in await receiver.told()] == ["dan", "eve"]


async def test_each_of_several_models_that_fail_alike_is_told_once_on_its_way_up(receiver: Receiver, take: Take) -> None:
    inner = [model(heard=[], parent_id=f"{100 + n:016x}", start=1 + n / 100, end=2 + n / 100, **LIMIT) for n in range(2)]
    outer = [agent(span_id=each.parent_id, parent_id=RUN, start=0.5, end=3, **LIMIT) for each in inner]
    await take(*inner, *outer)
    assert [kind for _, kind, _ in await receiver.told()] == ["error", "error"]


async def test_two_traces_of_one_conversation_at_the_same_time_are_each_heard(receiver: Receiver, take: Take) -> None:
    said = [agent(text("assistant", "Done."), trace=trace, start=trace / 100, end=3 + trace / 100) for trace in (1, 2)]
    asked = [replace(vote, trace_id=f"{10 + n:032x}") for n, vote in enumerate(votes())]
    await take(*asked, *said)
    assert (await texts(receiver))[-2:] == ["Done.", "Done."]
    assert sorted(await texts(receiver))[2:] == sorted([*["Yes or no?"] * 4, *VOTES])


async def test_what_an_agent_far_around_gives_back_is_not_said_again(receiver: Receiver, take: Take) -> None:
    step, inner = f"{50:016x}", f"{51:016x}"
    await take(
        model(text("assistant", "Tokori"), parent_id=step, start=2, end=3),
        span(span_id=step, parent_id=inner, start=1, end=4),
        agent(text("assistant", "Tokori"), span_id=inner, parent_id=RUN, start=1, end=5),
        agent(text("assistant", "Tokori"), name="crew", span_id=RUN, parent_id="", start=0, end=6),
    )
    assert await receiver.told() == [("analyst", "text", "Tokori")]


async def test_the_second_of_two_equal_answers_in_one_span_is_completed_when_only_one_was_stored(receiver: Receiver) -> None:
    said = model(text("assistant", "Yes"), text("assistant", "Yes"))
    await receiver.take(said)
    first, _ = await receiver.messages()
    await receiver.store.delete_session("talk")
    renamed = replace(said, attributes=said.attributes | {"gen_ai.conversation.id": "again"})
    await receiver.take(model(text("assistant", "Before"), conversation="again", start=-5))
    half = MessageDraft(
        source=first.source,
        content=first.content,
        timestamp=first.timestamp,
        message_id=first.message_id,
        metadata=first.metadata,
    )
    await receiver.another().store.append_messages("again", [half])
    await receiver.take(renamed)
    assert [content for _, _, content in await receiver.told("again")] == ["Before", "Yes", "Yes"]


async def test_what_was_stored_before_parents_were_noted_counts_as_inside(receiver: Receiver) -> None:
    inner = model(text("assistant", "Tokori"), parent_id=RUN, start=1, end=2)
    await receiver.take(inner)
    (stored,) = await receiver.messages()
    await receiver.take(model(text("assistant", "Before"), conversation="old", start=-5))
    as_before = {name: note for name, note in stored.metadata.items() if name != "parent_id"}
    old = MessageDraft(
        source="analyst", content="Tokori", timestamp=stored.timestamp, message_id=stored.message_id, metadata=as_before
    )
    await receiver.store.append_messages("old", [old])
    said = text("assistant", "Tokori")
    await receiver.another().take(
        model(said, conversation="old", start=0, end=3),
        agent(said, conversation="old", start=0, end=4),
    )
    assert [content for _, _, content in await receiver.told("old")] == ["Before", "Tokori"]


async def test_spans_that_are_around_themselves_are_stored(receiver: Receiver, take: Take) -> None:
    one, other = f"{1:016x}", f"{2:016x}"
    await take(
        model(text("assistant", "Yes"), span_id=one, parent_id=other, start=0, end=1),
        model(text("assistant", "Yes"), span_id=other, parent_id=one, start=5, end=6),
        model(text("assistant", "Yes"), span_id=f"{3:016x}", parent_id=f"{3:016x}", start=7, end=8),
    )
    assert await texts(receiver) == ["Yes"] * 3
