"""What becomes of what the nodes of a LangGraph graph say, in real runs of it on scripted models."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from chatlog import MessageKind, SessionStatus, SessionStore
from chatlog.integrations.background import RunReport
from chatlog.integrations.langgraph import record
from tests.chatlog.integrations import graphs
from tests.chatlog.integrations.conftest import the_session
from tests.factories import AGENTS

GO = {"messages": [("user", "Go")]}


async def test_five_agents_with_tools_and_hand_overs_are_recorded_in_order(store: SessionStore) -> None:
    async with record(store=store, participants=AGENTS) as callbacks:
        result = await graphs.five_agents().ainvoke(
            {"messages": [("user", "どれくらいの規模ですか")]}, {"callbacks": callbacks}
        )
    session, messages = await the_session(store)
    assert result["messages"][-1].content == "That is all."
    assert (session.task, session.status) == ("どれくらいの規模ですか", SessionStatus.COMPLETED)
    assert session.participants[:5] == AGENTS
    expected = [("user", "text")]
    for name in AGENTS:
        expected += [(name, kind) for kind in ("text", "tool_call", "tool_result", "tool_call", "tool_result", "handoff")]
    expected[-3:] = [(AGENTS[-1], "text")]
    assert [(m.source, m.kind) for m in messages] == expected
    assert [m.metadata["target"] for m in messages if m.kind == MessageKind.HANDOFF] == list(AGENTS[1:])


async def test_the_frameworks_ids_are_the_messages_own(store: SessionStore) -> None:
    def plain(_: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage("Not by a model.")]}

    graph = graphs.graph_of(
        one=graphs.asks(graphs.model(graphs.says("One", id_="msg_1"))),
        two=graphs.asks(graphs.model(graphs.says("Two"))),
        three=plain,
    )
    async with record(store=store) as callbacks:
        result = await graph.ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [(m.source, m.content) for m in messages] == [
        ("user", "Go"),
        ("one", "One"),
        ("two", "Two"),
        ("three", "Not by a model."),
    ]
    assert [m.message_id for m in messages] == [message.id for message in result["messages"]]
    assert messages[1].message_id == "msg_1"


async def test_calls_thoughts_and_results_read_well_and_tokens_are_counted_once(store: SessionStore) -> None:
    content = [
        {"type": "reasoning", "reasoning": "Do I know?"},
        {"type": "text", "text": "I look."},
        {"type": "image", "url": "x"},
    ]
    calls = [graphs.call("market_size", segment="小規模"), graphs.call("market_size", segment="b")]
    agent = graphs.agent(graphs.model(graphs.says(content, tool_calls=calls), graphs.says("Done.")), [graphs.market_size])
    async with record(store=store) as callbacks:
        await agent.ainvoke(GO, {"callbacks": callbacks})
    _, (_, thought, text, call, second, result, _, last) = await the_session(store)
    assert (thought.kind, thought.content) == (MessageKind.THOUGHT, "Do I know?")
    assert text.content == "I look.\n<image>"
    assert call.content == 'market_size\n```json\n{\n  "segment": "小規模"\n}\n```'
    assert result.content.startswith("market_size\n```")
    assert (call.metadata["call_id"], second.metadata["call_id"]) == (calls[0]["id"], calls[1]["id"])
    assert [bool(m.models_usage) for m in (thought, text, call, second, last)] == [False, False, False, True, True]
    assert last.models_usage == {"prompt_tokens": 12, "completion_tokens": 7}


@pytest.mark.parametrize("node", [graphs.asks, graphs.asks_in_a_thread])
async def test_streamed_chunks_become_one_message(store: SessionStore, node: Any) -> None:
    graph = graphs.graph_of(market_analyst=node(graphs.StreamingModel(answers=[graphs.says("one two three")])))
    chunks = []
    async with record(store=store) as callbacks:
        async for message, _ in graph.astream(GO, {"callbacks": callbacks}, stream_mode="messages"):
            chunks.append(message)
    session, messages = await the_session(store)
    assert len(chunks) >= 3
    assert [(m.source, m.content) for m in messages] == [("user", "Go"), ("market_analyst", "one two three ")]
    assert (messages[1].message_id, session.status) == (chunks[0].id, SessionStatus.COMPLETED)


async def test_nodes_in_threads_and_graphs_in_threads_are_recorded_too(store: SessionStore) -> None:
    nodes = {name: graphs.asks_in_a_thread(graphs.model(graphs.says(f"I am {name}."))) for name in AGENTS}
    async with record(store=store) as callbacks:
        await asyncio.to_thread(graphs.graph_of(**nodes).invoke, GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [m.content for m in messages[1:]] == [f"I am {name}." for name in AGENTS]


async def test_only_what_is_new_of_a_longer_conversation_is_recorded(store: SessionStore) -> None:
    scripted = graphs.model(graphs.says("First."), graphs.says("Second."), graphs.says("Third."))
    graph = graphs.builder_of(market_analyst=graphs.asks(scripted)).compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"messages": "Before it was recorded."}, thread)
    async with record(store=store) as callbacks:
        second = await graph.ainvoke({"messages": [HumanMessage("Two?")]}, {"callbacks": callbacks, **thread})
        whole = [*second["messages"][-2:], {"role": "user", "content": "Three?"}]
        await graph.ainvoke({"messages": whole}, {"callbacks": callbacks, "configurable": {"thread_id": "2"}})
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Two?", "Second.", "Three?", "Third."]


async def test_a_node_that_repeats_what_a_checkpoint_remembers_says_only_what_is_new(store: SessionStore) -> None:
    def repeats(state: MessagesState) -> dict[str, Any]:
        return {"messages": [*state["messages"], AIMessage(f"{len(state['messages'])} before.")]}

    graph = graphs.builder_of(market_analyst=repeats).compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"messages": "Before it was recorded."}, thread)
    async with record(store=store) as callbacks:
        await graph.ainvoke(GO, {"callbacks": callbacks, **thread})
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Go", "3 before."]


async def test_a_tool_hands_over_once_though_its_node_brings_the_same_command(store: SessionStore) -> None:
    @tool
    def escalate(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Hand over within the graph."""
        return Command(goto="boss", update={"messages": [ToolMessage("The boss decides.", tool_call_id=tool_call_id)]})

    graph = StateGraph(MessagesState)
    graph.add_node("clerk", graphs.asks(graphs.model(graphs.says("", tool_calls=[graphs.call("escalate")]))))
    graph.add_node("tools", ToolNode([escalate]))
    graph.add_node("boss", lambda _: {"messages": [AIMessage("No.")]})
    graph.add_edge("__start__", "clerk")
    graph.add_edge("clerk", "tools")
    reports: list[RunReport] = []
    async with record(store=store, on_report=reports.append) as callbacks:
        await graph.compile().ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages[1:]] == [
        ("clerk", "tool_call"),
        ("clerk", "tool_result"),
        ("clerk", "handoff"),
        ("boss", "text"),
    ]
    assert (reports[0].saved, reports[0].lost) == (5, 0)


async def test_a_node_that_commands_another_hands_over(store: SessionStore) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("planner", lambda _: Command(goto="analyst", update={"messages": [AIMessage("Over to you.")]}))
    graph.add_node("analyst", lambda _: Command(goto="__end__", update={"messages": [AIMessage("Thanks.", name="Dr. 田中")]}))
    graph.add_edge("__start__", "planner")
    async with record(store=store) as callbacks:
        await graph.compile().ainvoke(GO, {"callbacks": callbacks})
    _, (_, said, over, thanks) = await the_session(store)
    assert (said.source, said.content) == ("planner", "Over to you.")
    assert (over.source, over.kind, over.content, over.metadata["target"]) == (
        "planner",
        "handoff",
        "Hands over to analyst.",
        "analyst",
    )
    assert thanks.source == "Dr. 田中"


async def test_a_state_without_messages_is_recorded_by_what_models_and_tools_say(store: SessionStore) -> None:
    scripted = graphs.model(graphs.says("A slogan."))

    async def writer(state: dict[str, Any]) -> dict[str, Any]:
        size = await graphs.market_size.ainvoke({"segment": state["topic"]})
        return {"slogan": (await scripted.ainvoke([("user", f"{state['topic']} {size}")])).content}

    graph = StateGraph(dict)
    graph.add_node("writer", writer)
    graph.add_edge("__start__", "writer")
    async with record(store=store) as callbacks:
        await graph.compile().ainvoke({"topic": "会議"}, {"callbacks": callbacks})
    session, messages = await the_session(store)
    assert [(m.source, m.kind) for m in messages] == [
        ("user", "event"),
        ("writer", "tool_call"),
        ("writer", "tool_result"),
        ("writer", "text"),
    ]
    assert messages[0].content == 'Given\n```json\n{\n  "topic": "会議"\n}\n```'
    assert session.task == "A run of a LangGraph graph"


async def test_what_is_tagged_to_stay_unseen_is_not_recorded(store: SessionStore) -> None:
    quiet = graphs.model(graphs.says("A draft nobody wants.")).with_config(tags=["nostream"])

    async def node(state: MessagesState) -> dict[str, Any]:
        await quiet.ainvoke(state["messages"])
        return {"messages": [AIMessage("Done."), RemoveMessage(id=state["messages"][0].id)]}

    async with record(store=store) as callbacks:
        await graphs.graph_of(market_analyst=node).ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Go", "Done."]


async def test_messages_that_nodes_write_in_short_are_recorded_once(store: SessionStore) -> None:
    inner = graphs.graph_of(
        one=lambda _: {"messages": ("assistant", "As a pair.")},
        two=lambda _: {"messages": [{"role": "assistant", "content": "As a dict."}, AIMessage("As a message.")]},
        three=lambda _: Command(update={"messages": "As a text."}),
    )
    graph = graphs.graph_of(inner=inner, after=lambda _: {"messages": [("assistant", "As a pair.")]})
    async with record(store=store) as callbacks:
        result = await graph.ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [m.content for m in messages] == [message.content for message in result["messages"]]
    assert [m.source for m in messages][1:] == ["inner/one", "inner/two", "inner/two", "inner/three", "after"]


async def test_the_same_words_of_a_model_beside_it_are_not_taken_for_a_message_in_short(store: SessionStore) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("echo", lambda _: {"messages": [("assistant", "Yes.")]})
    graph.add_node("model", graphs.asks(graphs.model(graphs.says("Yes."))))
    graph.add_edge("__start__", "echo")
    graph.add_edge("__start__", "model")
    async with record(store=store) as callbacks:
        await graph.compile().ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert sorted(m.source for m in messages if m.content == "Yes.") == ["echo", "model"]


async def test_a_state_whose_messages_are_something_else_loses_nothing(store: SessionStore) -> None:
    graph = StateGraph(dict)
    graph.add_node("node", lambda _: {"messages": [{"no": "message"}, 3, ("no role", "x"), ("a", "b", "c")]})
    graph.add_edge("__start__", "node")
    reports: list[RunReport] = []
    async with record(store=store, on_report=reports.append) as callbacks:
        await graph.compile().ainvoke({"topic": "x"}, {"callbacks": callbacks})
    assert (reports[0].saved, reports[0].lost) == (1, 0)


async def test_tokens_that_are_no_numbers_are_left_out(store: SessionStore) -> None:
    odd = AIMessage("Odd.")
    odd.usage_metadata = {"input_tokens": "many", "output_tokens": 7}  # type: ignore[typeddict-item]
    async with record(store=store) as callbacks:
        await graphs.graph_of(a=lambda _: {"messages": [odd]}).ainvoke(GO, {"callbacks": callbacks})
    _, (_, message) = await the_session(store)
    assert (message.content, message.models_usage) == ("Odd.", {"completion_tokens": 7})


async def test_a_message_that_cannot_be_read_does_not_take_its_neighbours_along(store: SessionStore) -> None:
    class Unreadable(AIMessage):
        @property
        def content_blocks(self) -> Any:
            raise KeyError("type")

    graph = graphs.graph_of(a=lambda _: {"messages": [Unreadable("x"), AIMessage("Kept."), Unreadable("y")]})
    reports: list[RunReport] = []
    async with record(store=store, on_report=reports.append) as callbacks:
        result = await graph.ainvoke(GO, {"callbacks": callbacks})
    _, messages = await the_session(store)
    assert [m.content for m in messages] == ["Go", "Kept."]
    assert (len(result["messages"]), reports[0].saved, reports[0].lost) == (4, 2, 2)


async def test_branches_at_the_same_time_and_functions_as_graphs_are_recorded(store: SessionStore) -> None:
    scripted = graphs.model(*(graphs.says(f"Part {number}.") for number in range(3)))

    @task
    async def write(topic: str) -> str:
        return str((await scripted.ainvoke(topic)).content)

    @entrypoint()
    async def flow(topic: str) -> list[str]:
        return await asyncio.gather(*(write(f"{topic} {number}") for number in range(3)))

    async with record(store=store) as callbacks:
        said = await flow.ainvoke("空間", {"callbacks": callbacks})
    session, messages = await the_session(store)
    assert (session.task, messages[0].content) == ("空間", "空間")
    assert sorted(m.content for m in messages[1:]) == sorted(said)
    assert {m.source for m in messages[1:]} == {"flow/write"}
