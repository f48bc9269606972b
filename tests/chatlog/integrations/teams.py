"""Real AutoGen teams on its replay model client: they say what they are told to, and go through all of AutoGen for it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from autogen_agentchat.agents import AssistantAgent, BaseChatAgent
from autogen_agentchat.base import Handoff, Response
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat, Swarm
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, ModelInfo, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

from tests.factories import AGENTS

# It describes every message it moves, several times over.
logging.getLogger("autogen_core").setLevel(logging.ERROR)

TASK = "リモートワーク時代の新しいコミュニケーションツール"
_INFO = ModelInfo(vision=True, function_calling=True, json_output=True, family="unknown", structured_output=True)


def replay(*answers: str | CreateResult) -> ReplayChatCompletionClient:
    return ReplayChatCompletionClient(list(answers), model_info=_INFO)


def call(name: str, *, thought: str | None = None, **arguments: Any) -> CreateResult:
    content = [FunctionCall(id=f"call-{name}", name=name, arguments=json.dumps(arguments, ensure_ascii=False))]
    usage = RequestUsage(prompt_tokens=9, completion_tokens=4)
    return CreateResult(finish_reason="function_calls", content=content, usage=usage, cached=False, thought=thought)


async def market_size(segment: str) -> str:
    """How many there are."""
    if segment == "unknown":
        raise LookupError("no such segment")
    return f"{segment}: about 4,000 ``` teams"


def assistants(*answers: str | CreateResult, **options: Any) -> list[AssistantAgent]:
    client = replay(*answers)
    return [AssistantAgent(name, client, **options) for name in AGENTS]


def round_robin(agents: Sequence[Any], *, turns: int) -> RoundRobinGroupChat:
    return RoundRobinGroupChat(list(agents), termination_condition=MaxMessageTermination(turns + 1))


def five_agents(*, turns: int = 5) -> RoundRobinGroupChat:
    return round_robin(assistants(*(f"Remark {number}: 空間を共有します。" for number in range(1, turns + 1))), turns=turns)


def selector(*, turns: int = 3) -> SelectorGroupChat:
    agents = assistants(*(f"Remark {number}" for number in range(1, turns + 1)))
    chooser = replay(*(AGENTS[number] for number in (2, 0, 4)))
    condition = MaxMessageTermination(turns + 1)
    return SelectorGroupChat(agents, chooser, termination_condition=condition, emit_team_events=True)


def swarm() -> Swarm:
    planner = AssistantAgent(
        "creative_planner",
        replay(call("transfer_to_market_analyst")),
        handoffs=[Handoff(target="market_analyst", message="Figures, please.")],
    )
    analyst = AssistantAgent("market_analyst", replay("About 4,000 teams."))
    return Swarm([planner, analyst], termination_condition=MaxMessageTermination(3))


class Scripted(BaseChatAgent):
    """Says what it is given, or raises it; waits for ever once it has nothing left."""

    def __init__(self, name: str, *says: BaseChatMessage | Exception, types: Sequence[type[BaseChatMessage]] = ()) -> None:
        super().__init__(name, description="scripted")
        self._says = list(says)
        self._types = [TextMessage, *types]

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        return self._types

    async def on_messages(self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken) -> Response:
        if not self._says:
            await _until_cancelled(cancellation_token)
        said = self._says.pop(0)
        if isinstance(said, Exception):
            raise said
        return Response(chat_message=said)

    async def on_reset(self, cancellation_token: CancellationToken) -> None:
        raise NotImplementedError


async def _until_cancelled(token: CancellationToken) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    token.link_future(future)
    await future


async def stream_of(*items: Any) -> AsyncGenerator[Any, None]:
    """What a team would yield, for items that no team yields by itself."""
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item
