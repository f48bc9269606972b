"""How runs of the Microsoft Agent Framework end, and what is answered in the place of a tool, a model or an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from agent_framework import (
    Agent,
    AgentContext,
    AgentMiddleware,
    AgentResponse,
    AgentResponseUpdate,
    ChatContext,
    ChatMiddleware,
    ChatResponse,
    Content,
    FunctionInvocationContext,
    FunctionMiddleware,
    Message,
    MiddlewareTermination,
    ResponseStream,
    tool,
)
from agent_framework.orchestrations import SequentialBuilder

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.agent_framework import RUN_SOURCE, record
from chatlog.integrations.background import RunReport
from tests.chatlog.integrations import framework_agents as team
from tests.chatlog.integrations.conftest import the_session


@tool(approval_mode="always_require")
def pay() -> str:
    """Costs money."""
    return "paid"


async def test_a_tool_that_a_person_must_allow_waits(store: SessionStore) -> None:
    agent = team.agent(team.says(team.calls("pay")), team.says("Paid."), tools=[pay])
    session = agent.create_session()
    async with record(store=store) as middleware:
        response = await agent.run("Go", middleware=middleware, session=session)
        (request,) = response.user_input_requests
        answer = Message("user", [request.to_function_approval_response(approved=True)])
        await agent.run(answer, middleware=middleware, session=session)
    _, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "text"),
        ("market_analyst", "tool_call"),
        ("market_analyst", "event"),
        ("user", "event"),
        ("market_analyst", "tool_result"),
        ("market_analyst", "text"),
    ]
    assert messages[2].content == "Waits for a person: function approval request of pay."
    assert messages[3].content == "Allows the call of pay."


async def test_leaving_while_a_person_is_asked_is_leaving_early(store: SessionStore) -> None:
    async with record(store=store) as middleware:
        await team.agent(team.says(team.calls("pay")), tools=[pay]).run("Go", middleware=middleware)
    session, _ = await the_session(store)
    assert session.status is SessionStatus.CANCELLED


class Blocking(FunctionMiddleware):
    async def process(self, context: FunctionInvocationContext, call_next: Any) -> None:
        context.result = "not today"
        raise MiddlewareTermination


class Answering(AgentMiddleware):
    async def process(self, context: AgentContext, call_next: Any) -> None:
        context.result = AgentResponse(messages=[Message("assistant", ["I am away."])])


async def test_what_other_middleware_answers_instead_is_recorded(store: SessionStore) -> None:
    blocked = team.agent(team.says(team.calls("market_size", segment="a")), middleware=[Blocking()])
    away = team.agent(name="away", middleware=[])
    async with record(store=store) as middleware:
        await blocked.run("One", middleware=middleware)
        await away.run("Two", middleware=[*middleware, Answering()])
    session, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "text"),
        ("market_analyst", "tool_call"),
        ("market_analyst", "tool_result"),
        ("user", "text"),
        ("away", "text"),
    ]
    assert (messages[2].content, messages[4].content) == ("market_size\n```\nnot today\n```", "I am away.")
    assert session.status is SessionStatus.COMPLETED


@pytest.mark.parametrize("error", ["caught", "let through"])
@pytest.mark.parametrize("where", ["alone", "in a workflow"])
async def test_an_agent_that_raises_fails_the_session_with_a_last_remark(store: SessionStore, error: str, where: str) -> None:
    async def run() -> None:
        async with record(store=store) as middleware:
            agent = team.agent(LookupError("no figures today"), middleware=middleware)
            whole = agent if where == "alone" else SequentialBuilder(participants=[agent]).build()
            try:
                await whole.run("Go")
            except Exception:  # whatever the framework made of it
                if error == "let through":
                    raise

    if error == "caught":
        await run()
    else:
        with pytest.raises(Exception, match="no figures today"):
            await run()
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert (messages[-1].source, messages[-1].kind) == (RUN_SOURCE, MessageKind.ERROR)
    assert "no figures today" in messages[-1].content
    assert [m.content for m in messages[:-1]] == ["Go"]


def failing_expert(middleware: Any) -> Agent[Any]:
    return team.agent(LookupError("no figures today"), name="expert", tools=[], middleware=middleware)


async def test_an_agent_that_fails_inside_of_a_tool_is_the_tools_business(store: SessionStore) -> None:
    async with record(store=store) as middleware:
        asks = failing_expert(middleware).as_tool()
        agent = team.agent(team.says(team.calls("expert", task="How many?")), team.says("Nobody knows."), tools=[asks])
        await agent.run("Go", middleware=middleware)
    session, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "text"),
        ("market_analyst", "tool_call"),
        ("user", "text"),
        ("market_analyst", "tool_result"),
        ("market_analyst", "text"),
    ]
    assert messages[3].content.startswith("expert failed\n```\nLookupError: no figures today")
    assert session.status is SessionStatus.COMPLETED


async def test_leaving_after_an_agent_failed_inside_of_a_tool_is_leaving_early(store: SessionStore) -> None:
    async with record(store=store) as middleware:
        asks = failing_expert(middleware).as_tool()
        agent = team.agent(team.says(team.calls("expert", task="How many?")), team.says("Nobody knows."), tools=[asks])
        async for update in agent.run("Go", middleware=middleware, stream=True):
            if any(content.type == "function_result" for content in update.contents):
                break
    session, _ = await the_session(store)
    assert session.status is SessionStatus.CANCELLED


async def test_a_stream_that_is_closed_by_the_frameworks_own_means_is_cancelled(store: SessionStore) -> None:
    agent = team.agent(team.says("one two three"))
    async with record(store=store) as middleware, agent.run("Go", middleware=middleware, stream=True) as stream:
        async for _ in stream:
            break
    session, messages = await the_session(store)
    assert (session.status, messages[0].content) == (SessionStatus.CANCELLED, "Go")


async def test_a_tool_that_answers_for_the_agent_inside_of_it_leaves_no_failure(store: SessionStore) -> None:
    async with record(store=store) as middleware:
        expert = failing_expert(middleware)

        @tool(approval_mode="never_require")
        async def ask() -> str:
            """Asks the expert."""
            with suppress(LookupError):
                await expert.run("How many?")
            return "no answer"

        agent = team.agent(team.says(team.calls("ask")), team.says("Nobody knows."), tools=[ask])
        await agent.run("Go", middleware=middleware)
    session, messages = await the_session(store)
    assert (messages[3].content, session.status) == ("ask\n```\nno answer\n```", SessionStatus.COMPLETED)


@pytest.mark.parametrize("way", ["whole", "streamed"])
@pytest.mark.parametrize(("then", "status"), [("nothing", SessionStatus.FAILED), ("again", SessionStatus.COMPLETED)])
async def test_the_last_run_decides_though_an_error_was_caught(
    store: SessionStore, way: str, then: str, status: SessionStatus
) -> None:
    agent = team.agent(LookupError("no figures today"), team.says("Now."))
    async with record(store=store) as middleware:
        try:
            if way == "whole":
                await agent.run("Go", middleware=middleware)
            else:
                await agent.run("Go", middleware=middleware, stream=True).get_final_response()
        except LookupError:
            if then == "again":  # while the error is still being handled
                async for _ in agent.run("Go", middleware=middleware, stream=True):
                    pass
    session, messages = await the_session(store)
    assert session.status is status
    assert messages[-1].kind == ("error" if then == "nothing" else "text")


async def test_a_run_after_one_that_was_cancelled_decides(store: SessionStore) -> None:
    waiting, done = team.agent(), team.agent(team.says("Done."))
    async with record(store=store) as middleware:
        task = asyncio.create_task(waiting.run("Go", middleware=middleware))
        await waiting.client.waits.wait()  # type: ignore[attr-defined]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await done.run("Again", middleware=middleware)
    session, _ = await the_session(store)
    assert session.status is SessionStatus.COMPLETED


async def test_what_is_answered_though_no_tool_was_called_is_recorded(store: SessionStore) -> None:
    agent = team.agent(team.says(team.calls("nowhere")), team.says(team.calls("pay")), team.says("Sorry."), tools=[pay])
    session = agent.create_session()
    async with record(store=store) as middleware:
        (request,) = (await agent.run("Go", middleware=middleware, session=session)).user_input_requests
        refused = Message("user", [request.to_function_approval_response(approved=False)])
        await agent.run(refused, middleware=middleware, session=session)
    stored, messages = await the_session(store)
    results = [m for m in messages if m.kind == MessageKind.TOOL_RESULT]
    assert [m.content.partition("\n")[0] for m in results] == ["nowhere failed", "pay"]
    assert "not found" in results[0].content
    assert "rejected" in results[1].content
    assert [m.message_id for m in results] == [f"{m.metadata['call_id']}.output" for m in results]
    assert stored.status is SessionStatus.COMPLETED


class AnsweringForModels(ChatMiddleware):
    async def process(self, context: ChatContext, call_next: Any) -> None:
        context.result = ChatResponse(messages=[Message("assistant", ["From a cache."])])
        raise MiddlewareTermination


class AnsweringForAgents(AgentMiddleware):
    async def process(self, context: AgentContext, call_next: Any) -> None:
        call = Content.from_function_call("call-7", "look_up", arguments="{}")
        result = Content.from_function_result("call-7", result="4,000")
        context.result = AgentResponse(messages=[Message("assistant", [call]), Message("tool", [result])])
        raise MiddlewareTermination


async def test_what_middleware_answers_by_ending_the_run_is_recorded(store: SessionStore) -> None:
    cached, elsewhere = team.agent(middleware=[AnsweringForModels()]), team.agent(name="elsewhere")
    async with record(store=store) as middleware:
        await cached.run("One", middleware=middleware)
        await elsewhere.run("Two", middleware=[*middleware, AnsweringForAgents()])
    session, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "text"),
        ("market_analyst", "text"),
        ("user", "text"),
        ("elsewhere", "tool_call"),
        ("elsewhere", "tool_result"),
    ]
    assert (messages[1].content, messages[4].content) == ("From a cache.", "look_up\n```\n4,000\n```")
    assert session.status is SessionStatus.COMPLETED


async def test_a_stream_that_middleware_gives_in_the_agents_place_is_recorded_to_its_end(store: SessionStore) -> None:
    async def words() -> AsyncIterator[AgentResponseUpdate]:
        for word in ("From ", "a ", "cache."):
            yield AgentResponseUpdate(role="assistant", contents=[Content.from_text(word)], message_id="cached-1")

    class Streaming(AgentMiddleware):
        async def process(self, context: AgentContext, call_next: Any) -> None:
            context.result = ResponseStream(words(), finalizer=AgentResponse.from_updates)

    async with record(store=store) as middleware:
        async for _ in team.agent().run("Go", middleware=[*middleware, Streaming()], stream=True):
            pass
    session, messages = await the_session(store)
    assert [(m.message_id, m.content) for m in messages[1:]] == [("cached-1", "From a cache.")]
    assert session.status is SessionStatus.COMPLETED


async def test_an_answer_that_is_none_breaks_nothing(store: SessionStore) -> None:
    class Odd(AgentMiddleware):
        async def process(self, context: AgentContext, call_next: Any) -> None:
            context.result = "no response at all"  # type: ignore[assignment]

    reports: list[RunReport] = []
    async with record(store=store, on_report=reports.append) as middleware:
        assert await team.agent().run("Go", middleware=[*middleware, Odd()]) == "no response at all"  # type: ignore[comparison-overlap]
    assert (reports[0].saved, reports[0].lost) == (1, 1)
