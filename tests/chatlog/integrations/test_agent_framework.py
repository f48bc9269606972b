"""What becomes of what agents of the Microsoft Agent Framework say, in real runs of it on a scripted client."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from agent_framework import (
    Agent,
    Content,
    Message,
)
from agent_framework.orchestrations import ConcurrentBuilder, GroupChatBuilder, HandoffBuilder, SequentialBuilder

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.agent_framework import record
from chatlog.integrations.background import RunReport
from tests.chatlog.integrations import framework_agents as team
from tests.chatlog.integrations.conftest import the_session
from tests.factories import AGENTS


def group_chat(agents: list[Agent[Any]]) -> Any:
    names = iter(AGENTS)
    return GroupChatBuilder(participants=agents, selection_func=lambda _: next(names), max_rounds=5).build()


WORKFLOWS = {
    "sequential": lambda agents: SequentialBuilder(participants=agents).build(),
    "concurrent": lambda agents: ConcurrentBuilder(participants=agents).build(),
    "group chat": group_chat,
}


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("way", ["whole", "streamed"])
async def test_five_agents_with_tools_are_recorded_each_remark_once(store: SessionStore, workflow: str, way: str) -> None:
    async with record(store=store, participants=AGENTS) as middleware:
        built = WORKFLOWS[workflow](team.five_agents(middleware))
        if way == "whole":
            await built.run("どれくらいの規模ですか")
        else:
            async for _ in built.run("どれくらいの規模ですか", stream=True):
                pass
    session, messages = await the_session(store)
    assert (session.task, session.status) == ("どれくらいの規模ですか", SessionStatus.COMPLETED)
    assert session.participants[:5] == AGENTS
    assert (messages[0].source, messages[0].kind) == ("user", "text")
    for name in AGENTS:
        assert [m.kind for m in messages if m.source == name] == ["text", "tool_call", "tool_result", "text"]
    assert len(messages) == 21


@pytest.mark.parametrize("way", ["whole", "streamed"])
async def test_hand_overs_say_to_whom(store: SessionStore, way: str) -> None:
    async with record(store=store) as middleware:
        agents = team.five_who_hand_over(middleware)
        builder = HandoffBuilder(participants=agents).with_start_agent(agents[0])
        for one, next_ in zip(agents, [*agents[1:], agents[0]], strict=True):
            builder = builder.add_handoff(one, [next_])
        if way == "whole":
            await builder.build().run("Go")
        else:
            async for _ in builder.build().run("Go", stream=True):
                pass
    _, messages = await the_session(store)
    handoffs = [m for m in messages if m.kind == MessageKind.HANDOFF]
    assert [(m.source, m.metadata["target"]) for m in handoffs] == list(itertools.pairwise(AGENTS))
    assert handoffs[0].content == "Hands over to market_analyst."
    kinds = ["text", "tool_call", "tool_result", "tool_call", "handoff"]
    assert [m.kind for m in messages] == ["text", *kinds * 4, *kinds[:3], "text"]


async def test_the_frameworks_ids_are_the_messages_own(store: SessionStore) -> None:
    call = team.calls("market_size", segment="小規模")
    first, last = team.says("I look it up.", call), team.says("Done.")
    async with record(store=store) as middleware:
        await team.agent(first, last).run(Message("user", ["How many?"], message_id="asked-1"), middleware=middleware)
    _, messages = await the_session(store)
    assert [m.message_id for m in messages] == [
        "asked-1",
        first.message_id,
        f"{first.message_id}.1",
        f"{call.call_id}.output",
        last.message_id,
    ]
    assert messages[2].metadata["call_id"] == messages[3].metadata["call_id"] == call.call_id


async def test_calls_thoughts_and_results_read_well_and_tokens_are_counted_once(store: SessionStore) -> None:
    said = team.says(
        Content.from_text_reasoning(text="Do I know?"),
        Content.from_text_reasoning(text=" "),
        Content.from_text("I "),
        Content.from_text("look."),
        Content.from_uri("https://example.com/a.png", media_type="image/png"),
        team.calls("market_size", segment="小規模"),
    )
    async with record(store=store) as middleware:
        response = await team.agent(said, team.says("Done.")).run("Go", middleware=middleware)
    _, (_, thought, text, picture, call, result, last) = await the_session(store)
    assert (thought.kind, thought.content) == (MessageKind.THOUGHT, "Do I know?")
    assert (text.content, picture.content) == ("I look.", "<image/png>")
    assert call.content == 'market_size\n```json\n{\n  "segment": "小規模"\n}\n```'
    assert result.content == "market_size\n````\n小規模: about 4,000 ``` teams\n````"
    used = [m.models_usage for m in (thought, text, picture, call, result, last)]
    assert used == [None, None, None, {"prompt_tokens": 12, "completion_tokens": 7}, None, used[3]]
    assert sum(each["prompt_tokens"] for each in used if each) == response.usage_details["input_token_count"]


async def test_streamed_chunks_become_one_message(store: SessionStore) -> None:
    async with record(store=store) as middleware:
        stream = team.agent(team.says("one two three", id_="msg_stream")).run("Count", middleware=middleware, stream=True)
        chunks = [update async for update in stream]
    session, messages = await the_session(store)
    assert len(chunks) >= 3
    assert [(m.source, m.content) for m in messages] == [("user", "Count"), ("market_analyst", "one two three ")]
    assert (messages[1].message_id, session.status) == ("msg_stream", SessionStatus.COMPLETED)
    assert messages[1].models_usage == {"prompt_tokens": 12, "completion_tokens": 7}


async def test_ids_that_are_missing_and_calls_numbered_from_one_again_lose_nothing(store: SessionStore) -> None:
    answers = [
        team.says(said, id_=None)
        for _ in range(2)
        for said in (team.calls("market_size", call_id="call_1", segment="a"), "Done.")
    ]
    agent = team.agent(*answers)
    async with record(store=store) as middleware:
        for _ in range(2):
            await agent.run("Yes.", middleware=middleware)
    _, messages = await the_session(store)
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "text"] * 2
    assert len({m.message_id for m in messages}) == 8


async def test_only_what_is_new_of_a_longer_conversation_is_recorded(store: SessionStore) -> None:
    agent = team.agent(team.says("First."), team.says("Second."), team.says("Third."))
    asked = Message("user", ["One?"])
    session = agent.create_session()
    async with record(store=store) as middleware:
        first = await agent.run(asked, middleware=middleware)
        await agent.run([asked, *first.messages, Message("user", ["Two?"])], middleware=middleware, session=session)
        await agent.run("Three?", middleware=middleware, session=session)
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["One?", "First.", "Two?", "Second.", "Three?", "Third."]


async def test_a_tool_that_raises_and_is_answered_for_is_a_failed_result(store: SessionStore) -> None:
    agent = team.agent(team.says(team.calls("market_size", segment="unknown")), team.says("Nobody knows."))
    async with record(store=store) as middleware:
        await agent.run("Go", middleware=middleware)
    session, messages = await the_session(store)
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "text"]
    assert messages[2].content.startswith("market_size failed\n```\n")
    assert "no such segment" in messages[2].content
    assert session.status is SessionStatus.COMPLETED


async def test_a_message_that_cannot_be_read_is_counted_and_the_run_goes_on(store: SessionStore) -> None:
    odd = Message("user", ["Go"])
    odd.contents[0].text = 3  # type: ignore[assignment]
    reports: list[RunReport] = []
    async with record(store=store, on_report=reports.append) as middleware:
        response = await team.agent(team.says("Done.")).run([odd, Message("user", ["Please."])], middleware=middleware)
    assert (response.text, reports[0].saved, reports[0].lost) == ("Done.", 2, 1)
