"""What becomes of what an AutoGen team says. What becomes of a store's troubles: `test_autogen_troubles`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import (
    CodeGenerationEvent,
    MemoryQueryEvent,
    MultiModalMessage,
    StopMessage,
    StructuredMessage,
    TextMessage,
    UserInputRequestedEvent,
)
from autogen_core import CancellationToken, Image
from autogen_core.memory import MemoryContent
from PIL import Image as Pixels
from pydantic import BaseModel

from chatlog import ConfigurationError, MessageKind, SessionStatus, SessionStore
from chatlog.integrations.autogen import RUN_SOURCE, record
from tests.chatlog.integrations import teams
from tests.chatlog.integrations.conftest import the_session
from tests.factories import AGENTS


async def collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


async def tee(stream: Any, seen: list[Any]) -> Any:
    async for item in stream:
        seen.append(item)
        yield item


async def test_everything_passes_through_unchanged_and_in_order(store: SessionStore) -> None:
    inside: list[Any] = []
    outside = await collect(record(tee(teams.five_agents().run_stream(task=teams.TASK), inside), store=store))
    assert len(outside) == 7
    assert all(given is passed for given, passed in zip(inside, outside, strict=True))


async def test_five_agents_are_recorded_with_their_ids_speakers_times_and_tokens(store: SessionStore) -> None:
    *spoken, result = await collect(record(teams.five_agents().run_stream(task=teams.TASK), store=store, participants=AGENTS))
    session, (*stored, end) = await the_session(store)
    assert [(m.message_id, m.source, m.content, m.timestamp) for m in stored] == [
        (item.id, item.source, item.content, item.created_at) for item in spoken
    ]
    assert [m.models_usage for m in stored[1:]] == [vars(item.models_usage) for item in spoken[1:]]
    assert stored[0].models_usage is None
    assert (session.task, session.status) == (teams.TASK, SessionStatus.COMPLETED)
    assert session.participants[:5] == AGENTS
    assert (end.source, end.kind, end.metadata["stop_reason"]) == (RUN_SOURCE, MessageKind.EVENT, result.stop_reason)


async def test_tools_have_kinds_of_their_own_and_read_well(store: SessionStore) -> None:
    answers = (teams.call("market_size", thought="Do I know?", segment="小規模"), teams.call("market_size", segment="unknown"))
    agents = teams.assistants(*answers, tools=[teams.market_size])
    await collect(record(teams.round_robin(agents, turns=2).run_stream(task="How many?"), store=store))
    _, messages = await the_session(store)
    kinds = "text, thought, tool_call, tool_result, tool_result, tool_call, tool_result, tool_result, event"
    assert ", ".join(m.kind for m in messages) == kinds
    call, result = messages[2], messages[3]
    assert call.content == 'market_size\n```json\n{\n  "segment": "小規模"\n}\n```'
    assert result.content == "market_size\n````\n小規模: about 4,000 ``` teams\n````"
    assert messages[6].content.startswith("market_size failed\n")
    assert messages[4].metadata["autogen_type"] == "ToolCallSummaryMessage"


async def test_five_agents_with_tools_are_recorded_in_order(store: SessionStore) -> None:
    answers = [teams.call("market_size", segment=f"区分{number}") for number in range(5)]
    agents = teams.assistants(*answers, tools=[teams.market_size])
    await collect(record(teams.round_robin(agents, turns=5).run_stream(task="How many?"), store=store))
    session, messages = await the_session(store)
    assert session.status is SessionStatus.COMPLETED
    for name in AGENTS:
        assert [m.kind for m in messages if m.source == name] == ["tool_call", "tool_result", "tool_result"]
    assert [m.models_usage for m in messages if m.kind == MessageKind.TOOL_CALL] == [
        {"prompt_tokens": 9, "completion_tokens": 4}
    ] * 5


async def test_the_stream_of_one_agent_is_recorded_with_its_answer(store: SessionStore) -> None:
    agent = teams.assistants(teams.call("market_size", segment="小規模"), tools=[teams.market_size])[0]
    asked = [TextMessage(content="How many?", source="user")]
    *_, last = await collect(record(agent.on_messages_stream(asked, CancellationToken()), store=store, task="Alone"))
    session, messages = await the_session(store)
    assert [m.kind for m in messages] == ["tool_call", "tool_result", "tool_result"]
    assert messages[-1].message_id == last.chat_message.id
    assert session.status is SessionStatus.COMPLETED


async def test_a_stream_that_cannot_be_closed_is_read_to_its_end(store: SessionStore) -> None:
    class Relay:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __aiter__(self) -> Any:
            return aiter(self._stream)

    items = await collect(record(Relay(teams.five_agents().run_stream(task="Go")), store=store))
    session, messages = await the_session(store)
    assert (len(items), len(messages), session.status) == (7, 7, SessionStatus.COMPLETED)


async def test_a_run_that_is_no_stream_is_refused_where_it_was_passed(store: SessionStore) -> None:
    run = teams.five_agents().run(task="Go")
    with pytest.raises(ConfigurationError, match="a coroutine cannot be read in turns"):
        record(run, store=store)  # type: ignore[arg-type]
    run.close()


async def test_a_selector_team_is_recorded_with_its_choices(store: SessionStore) -> None:
    await collect(record(teams.selector().run_stream(task="Go"), store=store))
    _, messages = await the_session(store)
    assert [m.source for m in messages if m.kind == "text"] == ["user", AGENTS[2], AGENTS[0], AGENTS[4]]
    assert f"Next: {AGENTS[2]}" in [m.content for m in messages if m.kind == "event"]


async def test_a_hand_over_says_to_whom(store: SessionStore) -> None:
    await collect(record(teams.swarm().run_stream(task="Go"), store=store))
    _, messages = await the_session(store)
    (handoff,) = [m for m in messages if m.kind == MessageKind.HANDOFF]
    assert (handoff.source, handoff.content) == ("creative_planner", "Figures, please.")
    assert handoff.metadata["target"] == "market_analyst"
    assert messages[-2].source == "market_analyst"


async def test_streamed_chunks_are_passed_on_and_only_the_whole_remark_is_recorded(store: SessionStore) -> None:
    agent = AssistantAgent("market_analyst", teams.replay("one two three"), model_client_stream=True)
    items = await collect(record(teams.round_robin([agent], turns=1).run_stream(task="Count"), store=store))
    assert sum(type(item).__name__ == "ModelClientStreamingChunkEvent" for item in items) == 3
    _, messages = await the_session(store)
    assert [m.content for m in messages[:-1]] == ["Count", "one two three"]


class Price(BaseModel):
    euros: int


@pytest.mark.parametrize(
    ("item", "kind", "content"),
    [
        (StructuredMessage[Price](content=Price(euros=12), source="a"), "text", '```json\n{\n  "euros": 12\n}\n```'),
        (StructuredMessage[Price](content=Price(euros=12), source="a", format_string="{euros} €"), "text", "12 €"),
        (MultiModalMessage(content=["See:", Image(Pixels.new("RGB", (1, 1)))], source="a"), "text", "See:\n<image>"),
        (UserInputRequestedEvent(request_id="r", source="a"), "event", "Waits for a person to answer."),
        (CodeGenerationEvent(retry_attempt=0, content="x = 1", code_blocks=[], source="a"), "tool_call", "x = 1"),
        (MemoryQueryEvent(content=[MemoryContent(content=b"x", mime_type="a/b")], source="a"), "event", "Remembers:\n\n<a/b>"),
        (StopMessage(content="Enough.", source="a"), "text", "Enough."),
        (TextMessage(content=" ", source="a"), "text", "(no text)"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_type_is_readable(store: SessionStore, item: Any, kind: str, content: str) -> None:
    await collect(record(teams.stream_of(item), store=store, task="t"))
    _, (message,) = await the_session(store)
    assert (message.kind, message.content) == (kind, content)


async def test_an_agent_that_raises_fails_the_session_with_a_last_remark(store: SessionStore) -> None:
    agents = [*teams.assistants("fine")[:1], teams.Scripted("user_advocate", ValueError("no figures today"))]
    with pytest.raises(RuntimeError, match="no figures today"):
        await collect(record(teams.round_robin(agents, turns=5).run_stream(task="Go"), store=store))
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert (messages[-1].kind, messages[-1].source) == (MessageKind.ERROR, RUN_SOURCE)
    assert messages[-1].content.startswith("The run failed with RuntimeError: ValueError: no figures today\n\n```\nTraceback")
    assert [m.content for m in messages[:-1]] == ["Go", "fine"]


async def run_until_first_answer(store: SessionStore, token: CancellationToken, answered: asyncio.Event) -> None:
    team = teams.round_robin([teams.Scripted("a", TextMessage(content="first", source="a"))], turns=9)
    async for item in record(team.run_stream(task="Go", cancellation_token=token), store=store):
        if item.source == "a":
            answered.set()


@pytest.mark.parametrize("by", ["token", "task"])
async def test_a_cancelled_run_is_recorded_as_cancelled(store: SessionStore, by: str) -> None:
    token, answered = CancellationToken(), asyncio.Event()
    run = asyncio.create_task(run_until_first_answer(store, token, answered))
    await answered.wait()
    if by == "task":
        run.cancel()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    session, messages = await the_session(store)
    assert session.status is SessionStatus.CANCELLED
    assert [m.content for m in messages] == ["Go", "first"]


async def test_leaving_early_records_what_was_seen_as_cancelled(store: SessionStore) -> None:
    async with aclosing(record(teams.five_agents().run_stream(task="Go"), store=store)) as stream:
        async for item in stream:
            if item.source == AGENTS[1]:
                break
    session, messages = await the_session(store)
    assert session.status is SessionStatus.CANCELLED
    assert [m.source for m in messages] == ["user", *AGENTS[:2]]


async def test_leaving_at_the_result_is_not_early(store: SessionStore) -> None:
    async with aclosing(record(teams.five_agents().run_stream(task="Go"), store=store)) as stream:
        async for item in stream:
            if isinstance(item, TaskResult):
                break
    session, _ = await the_session(store)
    assert session.status is SessionStatus.COMPLETED


async def test_a_break_without_closing_is_recorded_too(store: SessionStore) -> None:
    reported = asyncio.Event()
    async for _ in record(teams.five_agents().run_stream(task="Go"), store=store, on_report=lambda _: reported.set()):
        break
    await reported.wait()
    session, _ = await the_session(store)
    assert session.status is SessionStatus.CANCELLED


async def test_ids_and_text_that_no_store_takes_are_replaced_and_noted(store: SessionStore) -> None:
    item = TextMessage(id="a/b", content="A\x00B\ud800C", source="a", metadata={"tool": "x\x00"})
    await collect(record(teams.stream_of(item), store=store))
    _, (message,) = await the_session(store)
    assert message.content == "A\N{REPLACEMENT CHARACTER}B\N{REPLACEMENT CHARACTER}C"
    assert message.metadata["unstorable_replaced"] is True
    assert (message.metadata["autogen_id"], message.metadata["tool"]) == ("a/b", "x\N{REPLACEMENT CHARACTER}")
