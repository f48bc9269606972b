"""A program whose agents are instrumented as the page in docs/ says: `exporting_program.py FRAMEWORK`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.chatlog.integrations import pages
from tests.factories import AGENTS

SETUP, LANGGRAPH, OPENAI, AGENT_FRAMEWORK, BY_HAND = pages.blocks("opentelemetry.md")
TASK = "A name for the product"


async def langgraph() -> None:
    from tests.chatlog.integrations import graphs

    question = {"messages": [("user", TASK)]}
    await graphs.five_agents().ainvoke(question, {"configurable": {"thread_id": "thread-of-langgraph"}})


async def voting() -> None:
    """Three agents at the same time that agree, and one that asks its model three times at once."""
    from langchain_core.messages import AIMessage
    from langgraph.graph import END, START, MessagesState, StateGraph

    from tests.chatlog.integrations import graphs

    def votes(word: str, *, times: int) -> Callable[[MessagesState], Coroutine[Any, Any, dict[str, Any]]]:
        async def node(state: MessagesState) -> dict[str, Any]:
            scripted = [graphs.model(graphs.says(word)) for _ in range(times)]
            answers = await asyncio.gather(*(each.ainvoke(state["messages"][:1]) for each in scripted))
            return {"messages": [AIMessage(answer.content) for answer in answers]}

        return node

    graph = StateGraph(MessagesState)
    graph.add_node("voter", votes("Yes", times=3))
    graph.add_edge("voter", END)
    for name in AGENTS[:3]:
        graph.add_node(name, votes("Approve", times=1))
        graph.add_edge(START, name)
        graph.add_edge(name, "voter")
    await graph.compile().ainvoke({"messages": [("user", TASK)]}, {"configurable": {"thread_id": "votes"}})


async def openai_agents() -> None:
    from agents import Runner, set_tracing_disabled

    from tests.chatlog.integrations import openai_team

    set_tracing_disabled(disabled=False)
    following: list[Any] = []
    for number, name in reversed(list(enumerate(AGENTS))):
        last = openai_team.calls(f"transfer_to_{following[0].name}") if following else openai_team.says("That is all.")
        answers = [[openai_team.says(f"Remark {number}."), openai_team.calls("market_size", segment=f"区分{number}")], last]
        following = [openai_agent(name, answers, handoffs=list(following))]
    await Runner.run(following[0], TASK)


def openai_agent(name: str, answers: list[Any], *, handoffs: list[Any]) -> Any:
    """On the SDK's own model, which makes the spans of it, over HTTP that goes nowhere."""
    import httpx
    from agents import Agent, OpenAIResponsesModel
    from openai import AsyncOpenAI

    from tests.chatlog.integrations import openai_team

    def answer(request: httpx.Request) -> httpx.Response:
        items = answers.pop(0)
        response = openai_team._response(items if isinstance(items, list) else [items])
        return httpx.Response(200, json=json.loads(response.model_dump_json()))

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    model = OpenAIResponsesModel("scripted", AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:9", http_client=client))
    return Agent(name=name, model=model, tools=[openai_team.market_size], handoffs=handoffs)


async def autogen() -> None:
    from tests.chatlog.integrations import teams

    await teams.swarm().run(task=TASK)
    await teams.five_agents().run(task=TASK)


async def agent_framework() -> None:
    from agent_framework_orchestrations import SequentialBuilder

    from tests.chatlog.integrations import framework_agents

    await SequentialBuilder(participants=framework_agents.five_agents(None)).build().run(TASK)


async def by_hand() -> None:
    exec(BY_HAND, names)


PROGRAMS: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = {
    "langgraph": (LANGGRAPH, langgraph),
    "voting": (LANGGRAPH, voting),
    "openai_agents": (OPENAI, openai_agents),
    "autogen": ("", autogen),
    "agent_framework": (AGENT_FRAMEWORK, agent_framework),
    "by_hand": ("", by_hand),
}

names: dict[str, Any] = {}

if __name__ == "__main__":
    block, run = PROGRAMS[sys.argv[1]]
    exec(SETUP + block, names)
    asyncio.run(run())
    names["provider"].shutdown()
