"""The four adapters with a run of their own, each with the same few runs of its real framework: what all of them must keep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from importlib import import_module
from typing import Any

from agent_framework import Message as FrameworkMessage
from agent_framework.orchestrations import SequentialBuilder
from agents import Runner
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken
from langchain_core.messages import HumanMessage

from tests.chatlog.integrations import framework_agents, graphs, openai_team, teams

ERROR = LookupError("no figures today")


class Adapter:
    """Every run is recorded with the options, or, without any, not at all."""

    name: str
    hidden: str  # what the extra installs

    @property
    def module(self) -> Any:
        return import_module(f"chatlog.integrations.{self.name}")

    @property
    def extra(self) -> str:
        return f"chatlog[{self.name.replace('_', '-')}]"

    async def talk(self, over: Callable[[], None] = lambda: None, **options: Any) -> list[Any]:
        """Five agents, each with a tool; returns all that the run gives, and calls `over` once it has given it."""
        raise NotImplementedError

    async def fail(self, **options: Any) -> None:
        """One agent raises `ERROR`."""
        raise NotImplementedError

    async def hang(self, reached: asyncio.Event, **options: Any) -> None:
        """One agent says "First.", and then waits for ever."""
        raise NotImplementedError

    def cancel(self, run: asyncio.Task[None]) -> None:
        """Cancel a run that hangs, as the framework wants it."""
        run.cancel()

    async def leave(self, **options: Any) -> None:
        """A stream of five agents is left after the first remark."""
        raise NotImplementedError

    async def say(self, text: str, *, id_: str, **options: Any) -> None:
        """One agent is asked "Go" and says that, under that id; the question has `<id>-asked`."""
        raise NotImplementedError


class AutoGen(Adapter):
    name, hidden = "autogen", "autogen_agentchat"

    def _stream(self, stream: Any, options: dict[str, Any]) -> Any:
        return self.module.record(stream, **options) if options else stream

    async def _drain(self, stream: Any, options: dict[str, Any]) -> list[Any]:
        return [item async for item in self._stream(stream, options)]

    async def talk(self, over: Callable[[], None] = lambda: None, **options: Any) -> list[Any]:
        answers = [teams.call("market_size", segment=f"区分{number}") for number in range(5)]
        team = teams.round_robin(teams.assistants(*answers, tools=[teams.market_size]), turns=5)
        items: list[Any] = []
        async for item in self._stream(team.run_stream(task="Go"), options):
            items.append(item)
            if isinstance(item, TaskResult):
                over()
        return [*((type(item), item.source, item.to_text()) for item in items[:-1]), items[-1].stop_reason]

    async def fail(self, **options: Any) -> None:
        await self._drain(teams.stream_of(TextMessage(content="Go", source="user"), ERROR), options)

    async def hang(self, reached: asyncio.Event, **options: Any) -> None:
        self._token = CancellationToken()
        team = teams.round_robin([teams.Scripted("a", TextMessage(content="First.", source="a"))], turns=9)
        async for item in self._stream(team.run_stream(task="Go", cancellation_token=self._token), options):
            if item.source == "a":
                reached.set()

    def cancel(self, run: asyncio.Task[None]) -> None:
        run.cancel()
        self._token.cancel()  # a team does not end by itself when the task that reads it does

    async def leave(self, **options: Any) -> None:
        async with aclosing(self._stream(teams.five_agents().run_stream(task="Go"), options)) as stream:
            async for item in stream:
                if item.source != "user":
                    break

    async def say(self, text: str, *, id_: str, **options: Any) -> None:
        asked = TextMessage(id=f"{id_}-asked", content="Go", source="user")
        await self._drain(teams.stream_of(asked, TextMessage(id=id_, content=text, source="a")), options)


class Told(Adapter):
    """A framework that tells whoever asks, in a block."""

    async def _given(self, stack: AsyncExitStack, options: dict[str, Any]) -> Any:
        return await stack.enter_async_context(self.module.record(**options)) if options else None

    async def _run(self, agent: Any, asked: Any, given: Any) -> Any:
        raise NotImplementedError

    async def _recorded(self, agent: Any, asked: Any, options: dict[str, Any], over: Callable[[], None] = lambda: None) -> Any:
        async with AsyncExitStack() as stack:
            result = await self._run(agent, asked, await self._given(stack, options))
            over()
        return result


class OpenAiAgents(Told):
    name, hidden = "openai_agents", "agents"

    async def _run(self, agent: Any, asked: Any, given: Any) -> Any:
        return await Runner.run(agent, asked, hooks=given, max_turns=20)

    async def talk(self, over: Callable[[], None] = lambda: None, **options: Any) -> list[Any]:
        result = await self._recorded(openai_team.five_agents(), "Go", options, over)
        return [*((type(item), item.agent.name) for item in result.new_items), result.final_output]

    async def fail(self, **options: Any) -> None:
        await self._recorded(openai_team.one_agent(ERROR), "Go", options)

    async def hang(self, reached: asyncio.Event, **options: Any) -> None:
        first = [openai_team.says("First."), openai_team.calls("market_size", segment="a")]
        agent = openai_team.one_agent(first, tools=[openai_team.market_size])
        agent.model.waits = reached  # type: ignore[union-attr]
        await self._recorded(agent, "Go", options)

    async def leave(self, **options: Any) -> None:
        async with AsyncExitStack() as stack:
            hooks = await self._given(stack, options)
            streamed = Runner.run_streamed(openai_team.five_agents(), "Go", hooks=hooks, max_turns=20)
            async for event in streamed.stream_events():
                if event.type == "run_item_stream_event":
                    streamed.cancel()

    async def say(self, text: str, *, id_: str, **options: Any) -> None:
        asked = [{"type": "message", "role": "user", "content": "Go", "id": f"{id_}-asked"}]
        await self._recorded(openai_team.one_agent(openai_team.says(text, id_=id_)), asked, options)


class LangGraph(Told):
    name, hidden = "langgraph", "langgraph"

    async def _run(self, agent: Any, asked: Any, given: Any) -> Any:
        return await agent.ainvoke({"messages": asked}, {"callbacks": given})

    async def talk(self, over: Callable[[], None] = lambda: None, **options: Any) -> list[Any]:
        result = await self._recorded(graphs.five_agents(), [("user", "Go")], options, over)
        return [(type(message), message.content) for message in result["messages"]]

    async def fail(self, **options: Any) -> None:
        await self._recorded(graphs.graph_of(a=graphs.asks(graphs.model(ERROR))), [("user", "Go")], options)

    async def hang(self, reached: asyncio.Event, **options: Any) -> None:
        first, never = graphs.model(graphs.says("First.")), graphs.model()
        never.waits = reached
        graph = graphs.graph_of(a=graphs.asks(first), b=graphs.asks(never))
        await self._recorded(graph, [("user", "Go")], options)

    async def leave(self, **options: Any) -> None:
        async with AsyncExitStack() as stack:
            callbacks = await self._given(stack, options)
            nodes = {name: graphs.asks(graphs.model(graphs.says(name))) for name in "abcde"}
            asked = {"messages": [("user", "Go")]}
            async for _ in graphs.graph_of(**nodes).astream(asked, {"callbacks": callbacks}, stream_mode="updates"):
                break

    async def say(self, text: str, *, id_: str, **options: Any) -> None:
        graph = graphs.graph_of(a=graphs.asks(graphs.model(graphs.says(text, id_=id_))))
        await self._recorded(graph, [HumanMessage("Go", id=f"{id_}-asked")], options)


class AgentFramework(Told):
    name, hidden = "agent_framework", "agent_framework"

    async def _run(self, agent: Any, asked: Any, given: Any) -> Any:
        return await agent.run(asked, middleware=given)

    async def talk(self, over: Callable[[], None] = lambda: None, **options: Any) -> list[Any]:
        async with AsyncExitStack() as stack:
            agents = framework_agents.five_agents(await self._given(stack, options))
            result = await SequentialBuilder(participants=agents).build().run("Go")
            over()
        return [(message.role, message.text) for output in result.get_outputs() for message in output.messages]

    async def fail(self, **options: Any) -> None:
        await self._recorded(framework_agents.agent(ERROR), "Go", options)

    async def hang(self, reached: asyncio.Event, **options: Any) -> None:
        first = framework_agents.says("First.", framework_agents.calls("market_size", segment="a"))
        agent = framework_agents.agent(first)
        agent.client.waits = reached  # type: ignore[attr-defined]
        await self._recorded(agent, "Go", options)

    async def leave(self, **options: Any) -> None:
        async with AsyncExitStack() as stack:
            middleware = await self._given(stack, options)
            agent = framework_agents.agent(framework_agents.says("one two three"))
            async for _ in agent.run("Go", middleware=middleware, stream=True):
                break

    async def say(self, text: str, *, id_: str, **options: Any) -> None:
        asked = FrameworkMessage("user", ["Go"], message_id=f"{id_}-asked")
        await self._recorded(framework_agents.agent(framework_agents.says(text, id_=id_)), asked, options)


ADAPTERS: tuple[Adapter, ...] = (AutoGen(), OpenAiAgents(), LangGraph(), AgentFramework())
