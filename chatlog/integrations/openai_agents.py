"""Records what agents of the OpenAI Agents SDK say, without getting in their way.

    async with chatlog.integrations.openai_agents.record(store=store) as hooks:
        result = await Runner.run(agent, "…", hooks=hooks)

Needs the extra `chatlog[openai-agents]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack

from chatlog.domain.models import MessageDraft, MessageKind
from chatlog.errors import ConfigurationError
from chatlog.integrations.run import RecordedRun, RunOptions
from chatlog.services import remarks

try:
    from agents import Agent, ModelResponse, RunHooks, Usage

    from chatlog.integrations import openai_items as items
except ImportError as error:
    raise ConfigurationError(
        "Recording the OpenAI Agents SDK needs openai-agents. Install it with: pip install 'chatlog[openai-agents]'"
    ) from error

# Who reports how the run ended.
RUN_SOURCE = "OpenAI Agents run"
_NO_TASK = "A run of the OpenAI Agents SDK"


def record(*, hooks: RunHooks[Any] | None = None, **options: Unpack[RunOptions]) -> RecordingHooks:
    """Begin to record whatever is run with the hooks that `async with` gives.

    The runs never wait for the store and never fail because of it. Leaving the block completes the session; an exception marks
    it failed; a cancellation, or a run that did not come to its final output, cancelled. Any number of runs may be made in it.

    Args:
        hooks: hooks of your own, which are called as before.
        options: where to and how; see `RunOptions`.
    Raises:
        ConfigurationError: neither or both of `store` and `recorder` were given.
        InvalidInput: a name or id that cannot be stored.
    """
    return RecordingHooks(RecordedRun(source=RUN_SOURCE, no_task=_NO_TASK, **options), hooks or RunHooks())


class RecordingHooks(RunHooks[Any]):
    """Told by the SDK what its agents do; see `record`."""

    def __init__(self, run: RecordedRun, own: RunHooks[Any]) -> None:
        self._run = run
        self._own = own
        self._unfinished: dict[int, Usage] = {}  # the runs that have no final output yet, by the usage that only they have

    async def __aenter__(self) -> Self:
        self._run.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        left_early = error is None and bool(self._unfinished)
        self._run.tell(await self._run.end(GeneratorExit() if left_early else error))

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        """Record what the run was asked, when its first agent starts."""
        self._run.take(partial(self._started, context))
        await self._own.on_agent_start(context, agent)

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: str | None, input_items: list[Any]) -> None:
        """Nothing is said yet."""
        await self._own.on_llm_start(context, agent, system_prompt, input_items)

    async def on_llm_end(self, context: Any, agent: Any, response: ModelResponse) -> None:
        """Record all that one answer of the model holds; for a stream, too, it comes once and whole."""
        self._run.take(partial(self._answered, agent, response))
        await self._own.on_llm_end(context, agent, response)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """The call is recorded already, as the model's answer."""
        await self._own.on_tool_start(context, agent, tool)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        """Record what the tool answered."""
        self._run.take(partial(self._tool_answered, context, agent, tool, result))
        await self._own.on_tool_end(context, agent, tool, result)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        """It is recorded already, as the model's answer, which has an id."""
        await self._own.on_handoff(context, from_agent, to_agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        """Note that the run came to its end."""
        self._unfinished.pop(id(context.usage), None)
        await self._own.on_agent_end(context, agent, output)

    def _started(self, context: Any) -> Iterator[MessageDraft]:
        run = id(context.usage)
        begins = run not in self._unfinished and context.usage.requests == 0  # else another agent takes over, or it is resumed
        self._unfinished[run] = context.usage
        if not begins:
            return
        for item in items.last_asked(context.turn_input):
            yield remarks.draft(
                framework="openai",
                type_=item.get("type", "message"),
                said_id=self._run.unused(item.get("id")),
                source=item["role"],
                text=items.asked_text(item["content"]),
                kind=MessageKind.TEXT,
            )

    def _answered(self, agent: Agent[Any], response: ModelResponse) -> Iterator[MessageDraft]:
        told = [item for item in response.output if items.says_anything(item)]
        handoff = items.handoff_among(told, agent)
        for item in told:
            kind, text, notes = items.read(item, agent)
            if item is handoff:
                kind, notes["target"] = MessageKind.HANDOFF, items.targets(agent)[item.name]
            if response.response_id is not None:
                notes["response_id"] = response.response_id
            yield remarks.draft(
                framework="openai",
                type_=item.type,
                said_id=self._run.unused(items.id_of(item)),
                source=agent.name,
                text=text,
                kind=kind,
                models_usage=items.tokens(response.usage) if item is told[-1] else None,  # once, so that the sum is right
                notes=notes,
            )

    def _tool_answered(self, context: Any, agent: Any, tool: Any, result: Any) -> Iterator[MessageDraft]:
        call_id = getattr(context, "tool_call_id", None)  # not every hosted tool tells
        yield remarks.draft(
            framework="openai",
            type_="function_call_output",
            said_id=self._run.unused(call_id and f"{call_id}.output"),
            source=agent.name,
            text=remarks.result(tool.name, items.result_text(result)),
            kind=MessageKind.TOOL_RESULT,
            notes={"tool": tool.name} if call_id is None else {"tool": tool.name, "call_id": call_id},
        )
