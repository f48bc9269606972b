"""Real agents of the Microsoft Agent Framework on a client that says what it is told to; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
    UsageDetails,
    tool,
)
from agent_framework.observability import ChatTelemetryLayer

from tests.factories import AGENTS

_numbers = itertools.count(1)


def says(*contents: Content | str, id_: str | None = "new") -> Message:
    return Message("assistant", list(contents), message_id=f"msg_{next(_numbers)}" if id_ == "new" else id_)


def calls(name: str, *, call_id: str | None = None, **arguments: Any) -> Content:
    given = json.dumps(arguments, ensure_ascii=False)
    return Content.from_function_call(call_id or f"call_{next(_numbers)}", name, arguments=given)


class ScriptedClient(FunctionInvocationLayer[Any], ChatMiddlewareLayer[Any], ChatTelemetryLayer[Any], BaseChatClient[Any]):
    """Gives one answer after the other, or raises it. Waits for ever once it has none left."""

    def __init__(self, *answers: Message | Exception, **options: Any) -> None:
        super().__init__(**options)
        self._answers = list(answers)
        self.usage = UsageDetails(input_token_count=12, output_token_count=7)
        self.waits = asyncio.Event()

    def _inner_get_response(self, *, messages: Sequence[Message], stream: bool, options: Any, **_: Any) -> Any:
        if stream:
            return ResponseStream(self._stream(), finalizer=ChatResponse.from_updates)
        return self._whole()

    async def _whole(self) -> ChatResponse[Any]:
        message, response_id = await self._next(), f"resp_{next(_numbers)}"
        return ChatResponse(messages=[message], response_id=response_id, usage_details=self.usage)

    async def _stream(self) -> AsyncIterator[ChatResponseUpdate]:
        message = await self._next()
        for content in message.contents:
            words = content.text.split(" ") if content.type == "text" and content.text else [None]
            for word in words:
                part = content if word is None else Content.from_text(f"{word} ")
                yield ChatResponseUpdate(role="assistant", contents=[part], message_id=message.message_id)
        usage = Content.from_usage(self.usage)
        yield ChatResponseUpdate(role="assistant", contents=[usage], message_id=message.message_id)

    async def _next(self) -> Message:
        if not self._answers:
            self.waits.set()
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@tool(approval_mode="never_require")
def market_size(segment: str) -> str:
    """How many there are."""
    if segment == "unknown":
        raise LookupError("no such segment")
    return f"{segment}: about 4,000 ``` teams"


def agent(*answers: Message | Exception, name: str = "market_analyst", **options: Any) -> Agent[Any]:
    options.setdefault("tools", [market_size])
    return Agent(ScriptedClient(*answers), name=name, **options)


def five_agents(middleware: Any) -> list[Agent[Any]]:
    """Each uses its tool, and says something of it."""
    return [
        agent(
            says(f"Remark {number}.", calls("market_size", segment=f"区分{number}")),
            says(f"空間を共有します。 {number}"),
            name=name,
            middleware=middleware,
        )
        for number, name in enumerate(AGENTS)
    ]


def five_who_hand_over(middleware: Any) -> list[Agent[Any]]:
    """Each uses its tool and hands over to the next; the last has the last word."""
    team = []
    for number, name in enumerate(AGENTS):
        last = number == len(AGENTS) - 1
        following = says("That is all.") if last else says(calls(f"handoff_to_{AGENTS[number + 1]}"))
        looks = says(f"Remark {number}.", calls("market_size", segment=f"区分{number}"))
        team.append(
            agent(
                looks,
                following,
                name=name,
                id=name,
                middleware=middleware,
                require_per_service_call_history_persistence=True,
            )
        )
    return team
