"""How runs of LangGraph graphs end: by themselves, by an error, or with a question to a person."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState
from langgraph.types import Command, interrupt

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.langgraph import RUN_SOURCE, record
from tests.chatlog.integrations import graphs
from tests.chatlog.integrations.conftest import the_session

GO = {"messages": [("user", "Go")]}


async def test_a_person_who_is_asked_and_answers_is_recorded(store: SessionStore) -> None:
    def ask(_: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"You said {interrupt('Really?')}.")]}

    graph = graphs.builder_of(outer=graphs.graph_of(ask=ask)).compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    async with record(store=store) as callbacks:
        await graph.ainvoke(GO, {"callbacks": callbacks, **thread})
        await graph.ainvoke(Command(resume="yes"), {"callbacks": callbacks, **thread})
    session, messages = await the_session(store)
    assert [(m.source, m.kind, m.content) for m in messages] == [
        ("user", "text", "Go"),
        ("outer/ask", "event", "Waits for a person to answer: Really?"),
        ("user", "text", "yes"),
        ("outer/ask", "text", "You said yes."),
    ]
    assert session.status is SessionStatus.COMPLETED


async def test_leaving_while_a_person_is_asked_is_leaving_early(store: SessionStore) -> None:
    graph = graphs.builder_of(ask=lambda _: {"messages": [AIMessage(interrupt("Really?"))]}).compile(
        checkpointer=InMemorySaver()
    )
    async with record(store=store) as callbacks:
        await graph.ainvoke(GO, {"callbacks": callbacks, "configurable": {"thread_id": "1"}})
    session, _ = await the_session(store)
    assert session.status is SessionStatus.CANCELLED


async def test_a_tool_that_raises_and_is_answered_for_is_a_failed_result(store: SessionStore) -> None:
    answers = graphs.says("", tool_calls=[graphs.call("market_size", segment="unknown")]), graphs.says("Nobody knows.")
    agent = graphs.agent(graphs.model(*answers), [graphs.market_size], handle_tool_errors=True)
    async with record(store=store) as callbacks:
        await agent.ainvoke(GO, {"callbacks": callbacks})
    session, messages = await the_session(store)
    assert [m.kind for m in messages] == ["text", "tool_call", "tool_result", "text"]
    assert messages[2].content.startswith("market_size failed\n")
    assert session.status is SessionStatus.COMPLETED


@pytest.mark.parametrize("by", ["model", "tool", "node", "steps"])
@pytest.mark.parametrize("error", ["caught", "let through"])
async def test_a_run_that_raises_fails_the_session_with_a_last_remark(store: SessionStore, by: str, error: str) -> None:
    def node(_: MessagesState) -> None:
        raise LookupError("no such segment")

    called = [graphs.says("", tool_calls=[graphs.call("market_size", segment=f"{n}")]) for n in range(20)]
    unknown = graphs.says("", tool_calls=[graphs.call("market_size", segment="unknown")])
    graph = {
        "model": graphs.agent(graphs.model(LookupError("no such segment")), []),
        "tool": graphs.agent(graphs.model(unknown), [graphs.market_size]),
        "node": graphs.graph_of(broken=node),
        "steps": graphs.agent(graphs.model(*called), [graphs.market_size]),
    }[by]

    async def run() -> None:
        async with record(store=store) as callbacks:
            try:
                await graph.ainvoke(GO, {"callbacks": callbacks, "recursion_limit": 10})
            except Exception:  # whatever the framework made of it
                if error == "let through":
                    raise

    if error == "caught":
        await run()
    else:
        with pytest.raises(Exception, match=r"no such segment|Recursion limit"):
            await run()
    session, messages = await the_session(store)
    assert session.status is SessionStatus.FAILED
    assert (messages[-1].source, messages[-1].kind) == (RUN_SOURCE, MessageKind.ERROR)
    assert messages[-1].content.startswith("The run failed with " + ("GraphRecursionError" if by == "steps" else "LookupError"))
    assert [m.kind for m in messages].count(MessageKind.ERROR) == 1
    assert messages[0].content == "Go"


async def test_a_run_after_one_that_failed_decides(store: SessionStore) -> None:
    scripted = graphs.model(LookupError("no figures today"), graphs.says("Now."))
    graph = graphs.graph_of(market_analyst=graphs.asks(scripted))
    async with record(store=store) as callbacks:
        with pytest.raises(LookupError):
            await graph.ainvoke(GO, {"callbacks": callbacks})
        await graph.ainvoke(GO, {"callbacks": callbacks})
    session, _ = await the_session(store)
    assert session.status is SessionStatus.COMPLETED


async def test_a_run_that_takes_too_long_fails_by_its_own_limit(store: SessionStore) -> None:
    graph = graphs.graph_of(a=graphs.asks(graphs.model()))
    graph.step_timeout = 0.01
    with pytest.raises(TimeoutError):
        async with record(store=store) as callbacks:
            await graph.ainvoke(GO, {"callbacks": callbacks})
    session, messages = await the_session(store)
    assert (session.status, [m.kind for m in messages]) == (SessionStatus.FAILED, ["text", "error"])
