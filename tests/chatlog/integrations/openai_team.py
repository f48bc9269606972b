"""Real agents of the OpenAI Agents SDK on a model that says what it is told to; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Usage, function_tool, set_tracing_disabled
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseTextDeltaEvent,
    ResponseUsage,
)
from openai.types.responses.response_reasoning_item import Summary
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from tests.factories import AGENTS

set_tracing_disabled(disabled=True)  # it would send what it knows to its makers

_numbers = itertools.count(1)


def says(text: str, *, id_: str | None = None) -> ResponseOutputMessage:
    content = [ResponseOutputText(type="output_text", text=text, annotations=[])]
    name = id_ or f"msg_{next(_numbers)}"
    return ResponseOutputMessage(id=name, type="message", role="assistant", status="completed", content=content)


def calls(name: str, *, id_: str | None = None, call_id: str | None = None, **arguments: Any) -> ResponseFunctionToolCall:
    number = next(_numbers)
    return ResponseFunctionToolCall(
        id=id_ or f"fc_{number}",
        call_id=call_id or f"call_{number}",
        type="function_call",
        name=name,
        arguments=json.dumps(arguments, ensure_ascii=False),
    )


def thinks(text: str) -> ResponseReasoningItem:
    summary = [Summary(type="summary_text", text=text)] if text else []
    return ResponseReasoningItem(id=f"rs_{next(_numbers)}", type="reasoning", summary=summary)


class ScriptedModel(Model):
    """Gives one answer after the other: a list of items, or an error it raises. Waits for ever once it has none left."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.waits = asyncio.Event()

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        items = await self._next()
        return ModelResponse(
            output=items,
            usage=Usage(requests=1, input_tokens=12, output_tokens=7, total_tokens=19),
            response_id=f"resp_{next(_numbers)}",
        )

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        items = await self._next()
        for part in "one", " two":
            yield ResponseTextDeltaEvent(
                type="response.output_text.delta",
                delta=part,
                item_id=items[0].id,
                output_index=0,
                content_index=0,
                sequence_number=next(_numbers),
                logprobs=[],
            )
        yield ResponseCompletedEvent(type="response.completed", response=_response(items), sequence_number=next(_numbers))

    async def _next(self) -> list[Any]:
        if not self._answers:
            self.waits.set()
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, list) else [answer]


def _response(items: list[Any]) -> Response:
    return Response(
        id=f"resp_{next(_numbers)}",
        created_at=0,
        model="scripted",
        object="response",
        output=items,
        parallel_tool_calls=False,
        tool_choice="auto",
        tools=[],
        usage=ResponseUsage(
            input_tokens=12,
            output_tokens=7,
            total_tokens=19,
            input_tokens_details=InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
            output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
        ),
    )


@function_tool
def market_size(segment: str) -> str:
    """How many there are."""
    if segment == "unknown":
        raise LookupError("no such segment")
    return f"{segment}: about 4,000 ``` teams"


@function_tool(failure_error_function=None)
def broken() -> str:
    """Raises through the run."""
    raise LookupError("no figures today")


def five_agents() -> Agent[Any]:
    """A chain: each uses its tool and hands over to the next, the last has the last word. The first is returned."""
    following: list[Agent[Any]] = []
    for name in reversed(AGENTS):
        number = AGENTS.index(name)
        answers: list[Any] = [[says(f"Remark {number}: 空間を共有します。"), calls("market_size", segment=f"区分{number}")]]
        answers.append(calls(f"transfer_to_{following[0].name}") if following else says("That is all."))
        agent = Agent(name=name, model=ScriptedModel(*answers), tools=[market_size], handoffs=list(following))
        following = [agent]
    return following[0]


def one_agent(*answers: Any, **options: Any) -> Agent[Any]:
    return Agent(name="market_analyst", model=ScriptedModel(*answers), **options)
