"""How runs of the OpenAI Agents SDK end: with a final output, an error, a question to a person, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from agents import Agent, Runner, RunState, SQLiteSession, function_tool

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.openai_agents import RUN_SOURCE, record
from tests.chatlog.integrations import openai_team as team
from tests.chatlog.integrations.conftest import the_session


@function_tool(needs_approval=True)
def pay() -> str:
    """Costs money."""
    return "paid"


@pytest.mark.parametrize("by", ["model", "tool", "turns"])
async def test_a_run_that_raises_fails_the_session_with_a_last_remark(store: SessionStore, by: str) -> None:
    agents = {
        "model": team.one_agent(
            team.calls("market_size", segment="a"), LookupError("no figures today"), tools=[team.market_size]
        ),
        "tool": team.one_agent(team.calls("broken"), tools=[team.broken]),
        "turns": team.one_agent(*[team.calls("market_size", segment="a") for _ in range(5)], tools=[team.market_size]),
    }
    with pytest.raises(Exception, match=r"no figures today|Max turns") as raised:
        async with record(store=store) as hooks:
            await Runner.run(agents[by], "Go", hooks=hooks, max_turns=3)
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert (messages[-1].source, messages[-1].kind) == (RUN_SOURCE, MessageKind.ERROR)
    assert messages[-1].content.startswith(f"The run failed with {type(raised.value).__name__}: ")
    assert messages[0].content == "Go"


@pytest.mark.parametrize("way", ["at once", "from what was written down"])
@pytest.mark.parametrize(("verdict", "answer"), [("approve", "paid"), ("reject", "Tool execution was not approved.")])
async def test_a_run_that_goes_on_after_an_approval_completes_the_session(
    store: SessionStore, way: str, verdict: str, answer: str
) -> None:
    agent = team.one_agent(team.calls("pay"), team.says("Done."), tools=[pay])
    async with record(store=store) as hooks:
        state = (await Runner.run(agent, "Go", hooks=hooks)).to_state()
        if way != "at once":
            state = await RunState.from_json(agent, state.to_json())
        (asked,) = state.get_interruptions()
        getattr(state, verdict)(asked)
        await Runner.run(agent, state, hooks=hooks)
    session, messages = await the_session(store)
    assert session.status is SessionStatus.COMPLETED
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "text"]
    assert messages[2].content == f"pay\n```\n{answer}\n```"
    assert messages[2].message_id == f"{messages[1].metadata['call_id']}.output"


async def test_a_run_that_goes_on_in_another_block_is_left_early_if_a_person_is_asked_again(store: SessionStore) -> None:
    agent = team.one_agent(team.calls("pay"), team.calls("pay"), tools=[pay])
    async with record(store=store, session_id="first") as hooks:
        state = (await Runner.run(agent, "Go", hooks=hooks)).to_state()
    state.approve(state.get_interruptions()[0])
    async with record(store=store, session_id="second") as hooks:
        await Runner.run(agent, state, hooks=hooks)
    messages = await store.list_messages("second", limit=10)
    assert [m.kind for m in messages] == ["tool_result", "tool_call"]
    assert (await store.get_session("second")).status is SessionStatus.CANCELLED


async def test_leaving_while_a_person_is_asked_is_leaving_early(store: SessionStore) -> None:
    async with record(store=store) as hooks:
        await Runner.run(team.one_agent(team.calls("pay"), tools=[pay]), "Go", hooks=hooks)
    session, _ = await the_session(store)
    assert session.status is SessionStatus.CANCELLED


async def test_a_run_after_one_that_failed_decides_and_repeats_no_question(store: SessionStore) -> None:
    agent = team.one_agent(LookupError("no figures today"), team.says("Now."), team.says("Again."))
    conversation = SQLiteSession("1")
    async with record(store=store) as hooks:
        with pytest.raises(LookupError):
            await Runner.run(agent, "One?", hooks=hooks, session=conversation)
        await Runner.run(agent, "Two?", hooks=hooks, session=conversation)
        await Runner.run(agent, "Three?", hooks=hooks, session=conversation)
    session, messages = await the_session(store)
    assert [m.content for m in messages] == ["One?", "Two?", "Now.", "Three?", "Again."]
    assert session.status is SessionStatus.COMPLETED


async def test_leaving_after_an_agent_that_was_a_tool_is_leaving_early(store: SessionStore) -> None:
    expert = Agent(name="expert", model=team.ScriptedModel(team.says("About 4,000.")))
    async with record(store=store) as hooks:
        asks = expert.as_tool("ask_expert", "Knows figures.", hooks=hooks)
        agent = team.one_agent(team.calls("ask_expert", input="How many?"), team.says("Done."), tools=[asks])
        streamed = Runner.run_streamed(agent, "Go", hooks=hooks)
        async for event in streamed.stream_events():
            if event.type == "run_item_stream_event" and event.name == "tool_output":
                streamed.cancel()
    session, messages = await the_session(store)
    assert [m.kind for m in messages] == ["text", "tool_call", "text", "tool_result"]
    assert session.status is SessionStatus.CANCELLED


async def test_what_an_error_handler_says_in_the_models_place_is_recorded(store: SessionStore) -> None:
    calls = [team.calls("market_size", segment="a") for _ in range(3)]
    agent = team.one_agent(*calls, tools=[team.market_size])
    handlers: Any = {"max_turns": lambda _: "Not found in time."}
    async with record(store=store) as hooks:
        result = await Runner.run(agent, "Go", hooks=hooks, max_turns=2, error_handlers=handlers)
    session, messages = await the_session(store)
    assert result.final_output == messages[-1].content == "Not found in time."
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "tool_call", "tool_result", "text"]
    assert session.status is SessionStatus.COMPLETED


@pytest.mark.parametrize("mode", ["immediate", "after_turn"])
async def test_a_stream_that_is_cancelled_by_the_sdks_own_means_is_cancelled(store: SessionStore, mode: Any) -> None:
    first = [team.says("First."), team.calls("market_size", segment="a")]
    async with record(store=store) as hooks:
        agent = team.one_agent(first, team.says("Done."), tools=[team.market_size])
        streamed = Runner.run_streamed(agent, "Go", hooks=hooks)
        async for event in streamed.stream_events():
            if event.type == "run_item_stream_event":
                streamed.cancel(mode=mode)
    session, messages = await the_session(store)
    assert session.status is SessionStatus.CANCELLED
    assert [m.kind for m in messages][:3] == ["text", "text", "tool_call"]
