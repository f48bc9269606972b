"""Real LangGraph graphs on models that say what they are told to; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from tests.factories import AGENTS

_numbers = itertools.count(1)


def says(text: Any, *, tool_calls: list[dict[str, Any]] | None = None, id_: str | None = None) -> AIMessage:
    usage = {"input_tokens": 12, "output_tokens": 7, "total_tokens": 19}
    return AIMessage(content=text, id=id_, tool_calls=tool_calls or [], usage_metadata=usage)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments, "id": f"call_{next(_numbers)}"}


class ScriptedModel(BaseChatModel):
    """Gives one answer after the other, an error it raises. Waits for ever once it has none left."""

    answers: list[Any]
    waits: Any = None

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _next(self) -> AIMessage:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: CallbackManagerForLLMRun | None = None, **_: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next())])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: AsyncCallbackManagerForLLMRun | None = None, **_: Any
    ) -> ChatResult:
        if not self.answers:
            self.waits.set()
            await asyncio.Event().wait()
        return self._generate(messages)


class StreamingModel(ScriptedModel):
    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: CallbackManagerForLLMRun | None = None, **_: Any
    ) -> Iterator[ChatGenerationChunk]:
        for word in str(self._next().content).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: AsyncCallbackManagerForLLMRun | None = None, **_: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            yield chunk


def model(*answers: Any) -> ScriptedModel:
    return ScriptedModel(answers=list(answers), waits=asyncio.Event())


@tool
def market_size(segment: str) -> str:
    """How many there are."""
    if segment == "unknown":
        raise LookupError("no such segment")
    return f"{segment}: about 4,000 ``` teams"


@tool
def ask_next(target: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Hand over to another agent."""
    moved = ToolMessage(f"{target} takes over.", tool_call_id=tool_call_id)
    return Command(goto=target, graph=Command.PARENT, update={"messages": [moved]})


def agent(scripted: ScriptedModel, tools: list[Any], **node_options: Any) -> Any:
    """A model that may call tools, in the usual two nodes."""

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await scripted.ainvoke(state["messages"])]}

    def whether_to_call(state: MessagesState) -> str:
        return "tools" if state["messages"][-1].tool_calls else END  # type: ignore[union-attr]

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", ToolNode(tools, **node_options))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", whether_to_call)
    graph.add_edge("tools", "model")
    return graph.compile()


def five_agents() -> Any:
    """A chain of agents: each uses its tool and hands over to the next; the last has the last word."""
    team = StateGraph(MessagesState)
    for number, name in enumerate(AGENTS):
        answers = [says(f"Remark {number}: 空間を共有します。", tool_calls=[call("market_size", segment=f"区分{number}")])]
        last = number == len(AGENTS) - 1
        answers.append(says("That is all.") if last else says("", tool_calls=[call("ask_next", target=AGENTS[number + 1])]))
        team.add_node(name, agent(model(*answers), [market_size, ask_next]))
    team.add_edge(START, AGENTS[0])
    return team.compile()


def graph_of(**nodes: Any) -> Any:
    """Those nodes, one after the other."""
    return builder_of(**nodes).compile()


def builder_of(**nodes: Any) -> Any:
    graph = StateGraph(MessagesState)
    before = START
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    return graph


def asks(scripted: Any) -> Any:
    """A node that asks its model."""

    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await scripted.ainvoke(state["messages"])]}

    return node


def asks_in_a_thread(scripted: Any) -> Any:
    """The same, not asynchronous: LangGraph runs it in a thread of its own."""

    def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [scripted.invoke(state["messages"])]}

    return node
